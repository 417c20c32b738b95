"""SageMaker's built-in algorithms, as far as a deployment differs between them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.config import DeploySettings
from aws.errors import InputError

REGISTRIES_PATH = Path(__file__).resolve().parent.parent / "image_registries.json"


@dataclass(frozen=True)
class Algorithm:
    """One built-in algorithm: the channel its held-out rows go to, and what it must be told for labels of 0 and 1."""

    name: str
    held_out_channel: str
    takes_feature_dim: bool
    required: Mapping[str, str]


# The held-out rows are scored, never learned from: Linear Learner has a channel for that, XGBoost reports on
# its validation channel (and would learn from it only with early_stopping_rounds).
ALGORITHMS = {
    "linear-learner": Algorithm(
        "linear-learner",
        held_out_channel="test",
        takes_feature_dim=True,
        required={"predictor_type": "binary_classifier"},
    ),
    "xgboost": Algorithm(
        "xgboost",
        held_out_channel="validation",
        takes_feature_dim=False,
        required={"objective": "binary:logistic", "num_round": "100"},
    ),
}


def image_uri(algorithm: str, region: str) -> str:
    """The image of a built-in algorithm: AWS has an account per region and algorithm for them.

    https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    """
    registries: dict[str, Any] = json.loads(REGISTRIES_PATH.read_text(encoding="utf-8"))
    image = registries["algorithms"][algorithm]
    account = image["accounts"].get(region)
    if account is None:
        known = ", ".join(sorted(image["accounts"]))
        raise InputError(f"No registry of {algorithm} is known in the region {region}. Known regions: {known}.")
    prefix = max((prefix for prefix in registries["domains"] if region.startswith(prefix)), key=len)
    return f"{account}.dkr.ecr.{region}.{registries['domains'][prefix]}/{image['repository']}:{image['tag']}"


def hyperparameters(algorithm: Algorithm, settings: DeploySettings, *, feature_dim: int) -> dict[str, str]:
    """The hyperparameters of [deploy] as the text that SageMaker takes, with the number of features."""
    configured = settings.hyperparameters.get(algorithm.name, {})
    chosen = {**algorithm.required, **{key: _text(value) for key, value in configured.items()}}
    if algorithm.takes_feature_dim:
        chosen.setdefault("feature_dim", str(feature_dim))
    return chosen


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
