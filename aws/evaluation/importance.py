"""What a deployed model goes by, as its own files tell it."""

import csv
import io
import json
import math
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import pstdev
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from aws.deployment import Deployment
from aws.evaluation.models import linear_learner, xgboost
from aws.target import Target

MOST_BYTES = 512 << 20  # of a model's file; a larger one is not read for a picture
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    RuntimeError,
)
"""What reading a file raises that is not what its name says."""


@dataclass(frozen=True)
class Importance:
    """One number a feature, whose ``meaning`` is a sentence; none if ``features`` is empty: that says why."""

    meaning: str
    features: tuple[tuple[str, float], ...] = ()


def importance(target: Target, deployment: Deployment, held_out: Path) -> Importance:
    """Of the model behind a deployment. ``held_out`` is the folder of its schema and held-out rows."""
    try:
        model = target.client("sagemaker").describe_model(ModelName=deployment.model_name)
        address = urlsplit(model["PrimaryContainer"]["ModelDataUrl"])
        stored = target.client("s3").get_object(Bucket=address.netloc, Key=address.path.lstrip("/"))
        if stored["ContentLength"] > MOST_BYTES:
            return Importance("The model's file is too large to be read for this page.")
        archive = stored["Body"].read()
    except (ClientError, BotoCoreError) as error:
        return Importance(f"The model's file could not be had: {error}")
    try:
        names = json.loads((held_out / "schema.json").read_text(encoding="utf-8"))["feature_names"]
        return _told_by(archive, names, held_out / "test_aws.csv")
    except UNREADABLE as error:
        return Importance(f"The model's file does not tell it: {error}.")


def _told_by(archive: bytes, names: Sequence[str], rows: Path) -> Importance:
    for name, content in _members(archive):
        if name == linear_learner.FILE_NAME:
            return _of_weights(linear_learner.weights(content), names, rows)
        if name == xgboost.FILE_NAME:
            gain = xgboost.total_gain(content)
            total = gain.total() or 1
            meaning = "How much of what the trees gained was gained by splits on the feature."
            return Importance(meaning, tuple((name, gain[place] / total) for place, name in enumerate(names)))
    raise ValueError("it is of neither built-in algorithm")


def _members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        for member in files:
            if member.isfile() and member.size <= MOST_BYTES:
                file = files.extractfile(member)
                assert file
                yield member.name.removeprefix("./"), file.read()


def _of_weights(weights: Sequence[Sequence[float]], names: Sequence[str], rows: Path) -> Importance:
    """A weight alone says little: it is of a feature in its own unit. Times its spread, all are of one unit."""
    if len(weights) != len(names) or not all(math.isfinite(number) for row in weights for number in row):
        raise ValueError("its weights are not those of the features")
    spreads = _spreads(rows, len(names))
    if len(weights[0]) == 1:
        meaning = (
            "How far the output moves, before it becomes a score, when the feature rises by one standard deviation."
        )
        pushes = [weight[0] * spread for weight, spread in zip(weights, spreads, strict=True)]
    else:
        meaning = "How differently the classes take it when the feature rises by one standard deviation."
        pushes = [pstdev(weight) * spread for weight, spread in zip(weights, spreads, strict=True)]
    return Importance(meaning, tuple(zip(names, pushes, strict=True)))


def _spreads(rows: Path, count: int) -> list[float]:
    """The standard deviation of each feature in data_prep's test_aws.csv, which is read once and not kept."""
    seen, sums, squares, first = 0, [0.0] * count, [0.0] * count, [0.0] * count
    with rows.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            values = [float(cell) for cell in row[1:]]
            first = first if seen else values  # near the mean: squares of small numbers keep their digits
            seen += 1
            for place, (value, origin) in enumerate(zip(values, first, strict=True)):
                sums[place] += value - origin
                squares[place] += (value - origin) ** 2
    means = [total / seen for total in sums]
    return [math.sqrt(max(0.0, total / seen - mean**2)) for total, mean in zip(squares, means, strict=True)]
