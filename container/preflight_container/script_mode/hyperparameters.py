"""Hyperparameters: strings that hold JSON, the script's and SageMaker's own; and what a script gets of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Besides those that begin with sagemaker_, these are not the script's.
_OWN_NAMES = ("_tuning_objective_metric", "default_user_module_name")
# Of SageMaker's own, these have a meaning; all others are the framework's to make something of.
_KNOWN = (
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
    "sagemaker_s3_output",
    "sagemaker_enable_cloudwatch_metrics",
)


def decode(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Each value as the JSON it holds; what is no JSON stays a string."""
    return {name: _decode(value) for name, value in hyperparameters.items()}


def _decode(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


def split(hyperparameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The script's own, and SageMaker's."""
    script: dict[str, Any] = {}
    sagemaker: dict[str, Any] = {}
    for name, value in hyperparameters.items():
        (sagemaker if name.startswith("sagemaker_") or name in _OWN_NAMES else script)[name] = value
    return script, sagemaker


def is_of_framework(name: str) -> bool:
    """Whether it is for the framework's own code to make something of."""
    return name.startswith("sagemaker_") and name not in _KNOWN


def arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """A command line: ``-C 0.5 --max-iter 200``. Names of one letter have one dash."""
    words = []
    for name in sorted(hyperparameters):
        words += [f"-{name}" if len(name) == 1 else f"--{name}", _as_word(hyperparameters[name])]
    return words


def _as_word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in sorted(value.items()))
    return str(value)


def as_variable(value: Any) -> str:
    """A value in an environment variable: strings as they are, all else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
