"""Score a file by a transform job: planned, shown and run as a deployment is; then what came of it."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from aws import cost
from aws.client import Aws
from aws.config import DeploySettings
from aws.deployment import Deployment
from aws.errors import InputError
from aws.names import Names, names_of
from aws.planning.carrying_out import accounted, follower_of, is_agreed, plan_of
from aws.report import Report
from aws.steps.algorithms import Algorithm, algorithm_named
from aws.steps.batch import CSV, Batch, transform, written_for
from aws.target import Target


@dataclass(frozen=True)
class Scored:
    """``path`` has each row with the model's answer to it; ``accuracy`` is by the rows' own labels."""

    path: Path
    rows: int
    accuracy: float


def score_file(
    target: Target,
    settings: DeploySettings,
    deployment: Deployment,
    file: Path,
    folder: Path,
    *,
    plan_only: bool,
    yes: bool,
) -> Scored | None:
    """Have the deployed model score ``file``; the result is put into ``folder``. None if only the plan was asked for.

    Raises ``AwsRoomError`` or an error of boto3.
    """
    algorithm = algorithm_named(deployment.algorithm, settings)
    names = names_of(Aws(target), settings)
    rows = written_for(algorithm, file, folder)
    batch = Batch(rows, algorithm.batch_type, deployment.model_name, deployment.bucket)
    plan = plan_of(target, lambda planner, unseen: _transform(planner, names, algorithm, batch, settings, unseen))
    aws, report = follower_of(target, plan, Console(stderr=True))
    price = partial(cost.batch_summary, settings, target.region)
    if not is_agreed(target, plan, report, price, plan_only=plan_only, yes=yes):
        return None
    with accounted(report, target):
        key = _transform(aws, names, algorithm, batch, settings, report)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{rows.name}.out"
    target.client("s3").download_file(deployment.bucket, key, str(path))
    hits = list(_hits(path, algorithm))
    if not hits:
        raise InputError(f"{file} has no rows.")
    return Scored(path, len(hits), sum(hits) / len(hits))


def _transform(
    aws: Aws, names: Names, algorithm: Algorithm, batch: Batch, settings: DeploySettings, report: Report
) -> str:
    with report.step("Transform job") as step:
        return transform(aws, names, algorithm, batch, settings.batch, step)


def _hits(path: Path, algorithm: Algorithm) -> Iterator[bool]:
    """Whether the model said of each row what its label says."""
    with path.open(newline="", encoding="utf-8") as lines:
        if algorithm.batch_type == CSV:
            for label, *_, score in csv.reader(lines):
                yield float(label) == (float(score) > 0.5)
        else:
            for record in map(json.loads, lines):
                yield record["label"] == record["SageMakerOutput"]["predicted_label"]
