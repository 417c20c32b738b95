"""What can be trained, as far as a deployment differs between them: two built-in algorithms, and our own container."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from aws.config import DeploySettings
from aws.dataset import Dataset
from aws.errors import InputError
from aws.schema import Kind, Schema

SCRIPTS_REPOSITORY, SCRIPTS_TAG = "sagemaker-scikit-learn", "1.4-2-cpu-py3"
REGISTRIES_PATH = Path(__file__).resolve().parents[1] / "image_registries.json"


@dataclass(frozen=True)
class Algorithm:
    """What is trained: the channel its held-out rows go to, and what it must be told for each kind of label.

    ``class_count`` is the hyperparameter that says how many classes there are, where there are three or more.
    ``batch_type`` is the one that batch transform can join with its answers: Linear Learner writes no CSV.
    ``accuracy`` is the metric of its held-out rows that tuning maximizes, within ``ranges``.
    ``runs`` is the algorithm whose hyperparameters it takes: its own, or the one that our container is told to run.
    """

    name: str
    runs: str
    held_out_channel: str
    takes_feature_dim: bool
    batch_type: str
    class_count: str
    required: Mapping[Kind, Mapping[str, str]]
    accuracy: Mapping[Kind, str]
    ranges: Mapping[str, tuple[float, float]]
    environment: Mapping[str, str] = field(default_factory=dict)


# The held-out rows are scored, never learned from: Linear Learner has a channel for that, XGBoost reports on
# its validation channel (and would learn from it only with early_stopping_rounds).
ALGORITHMS = {
    "linear-learner": Algorithm(
        "linear-learner",
        "linear-learner",
        held_out_channel="test",
        takes_feature_dim=True,
        batch_type="application/jsonlines",
        class_count="num_classes",
        required={
            "binary": {"predictor_type": "binary_classifier"},
            "multiclass": {"predictor_type": "multiclass_classifier"},
            "regression": {"predictor_type": "regressor"},
        },
        accuracy={"binary": "binary_classification_accuracy", "multiclass": "multiclass_accuracy"},
        ranges={"learning_rate": (1e-4, 0.1), "wd": (1e-7, 1e-2)},
    ),
    "xgboost": Algorithm(
        "xgboost",
        "xgboost",
        held_out_channel="validation",
        takes_feature_dim=False,
        batch_type="text/csv",
        class_count="num_class",
        required={
            "binary": {"objective": "binary:logistic", "num_round": "100"},
            "multiclass": {"objective": "multi:softprob", "num_round": "100"},
            "regression": {"objective": "reg:squarederror", "num_round": "100"},
        },
        accuracy={"binary": "accuracy", "multiclass": "accuracy"},
        ranges={"eta": (0.1, 0.5), "max_depth": (3, 10), "subsample": (0.5, 1.0)},
    ),
}

OWN_CONTAINER = "container"
NAMES = (*ALGORITHMS, OWN_CONTAINER)


def algorithm_named(name: str, settings: DeploySettings) -> Algorithm:
    """A built-in algorithm, or our own container running the one of [deploy.container]."""
    if name != OWN_CONTAINER:
        return ALGORITHMS[name]
    runs = settings.container.algorithm
    return replace(ALGORITHMS[runs], name=name, environment={"PREFLIGHT_ALGORITHM": runs})


def image_uri(algorithm: str, region: str) -> str:
    """The image of a built-in algorithm: AWS has an account per region and algorithm for them.

    https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    """
    image = _registries()["algorithms"][algorithm]
    account = image["accounts"].get(region)
    if account is None:
        known = ", ".join(sorted(image["accounts"]))
        raise InputError(f"No registry of {algorithm} is known in the region {region}. Known regions: {known}.")
    return f"{registry(account, region)}/{image['repository']}:{image['tag']}"


def scripts_image_uri(region: str) -> str:
    """AWS's scikit-learn image, which runs programs in Python: it is in the accounts of XGBoost's.

    https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-docker-containers-scikit-learn-spark.html
    """
    return f"{image_uri('xgboost', region).partition('/')[0]}/{SCRIPTS_REPOSITORY}:{SCRIPTS_TAG}"


def registry(account: str, region: str) -> str:
    """The host of an account's images: ``123456789012.dkr.ecr.eu-west-1.amazonaws.com``."""
    domains = _registries()["domains"]
    prefix = max((prefix for prefix in domains if region.startswith(prefix)), key=len)
    return f"{account}.dkr.ecr.{region}.{domains[prefix]}"


def image_repositories(region: str) -> list[tuple[str, str]]:
    """Account and name of the repositories in a region: of the built-in algorithms, and of what runs our programs."""
    images = _registries()["algorithms"].values()
    built_in = [(image["accounts"][region], image["repository"]) for image in images if region in image["accounts"]]
    scripts = _registries()["algorithms"]["xgboost"]["accounts"].get(region)
    return [*built_in, (scripts, SCRIPTS_REPOSITORY)] if scripts else built_in


@cache
def _registries() -> dict[str, Any]:
    registries: dict[str, Any] = json.loads(REGISTRIES_PATH.read_text(encoding="utf-8"))
    return registries


def hyperparameters(algorithm: Algorithm, settings: DeploySettings, dataset: Dataset) -> dict[str, str]:
    """The hyperparameters of [deploy] as the text that SageMaker takes, with what the data say.

    Raises:
        InputError: [deploy] wants another kind of model than the label is for.
    """
    configured = {key: _text(value) for key, value in settings.hyperparameters.get(algorithm.runs, {}).items()}
    chosen = {**algorithm.required[dataset.schema.kind], **configured}
    _require_fit(algorithm, chosen, dataset.schema)
    if dataset.schema.kind == "multiclass":
        chosen.setdefault(algorithm.class_count, str(len(dataset.schema.classes)))
    if algorithm.takes_feature_dim:
        chosen.setdefault("feature_dim", str(dataset.feature_dim))
    return chosen


def _require_fit(algorithm: Algorithm, chosen: Mapping[str, str], schema: Schema) -> None:
    """Two classes, more classes and numbers are models of different kinds."""
    needed = algorithm.required[schema.kind]
    key = next(iter(needed))
    is_of_classes = chosen[key].startswith("multi") == (schema.kind == "multiclass")
    if is_of_classes and (key == "objective" or chosen[key] == needed[key]):
        return
    raise InputError(
        f"[deploy.hyperparameters.{algorithm.runs}] says {key} = {chosen[key]!r}, and the data's label "
        f"{schema.column!r} is {schema.kind}: leave the setting out, which makes it {needed[key]!r}."
    )


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
