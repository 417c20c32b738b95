"""What an image URI says: its registry, its name, and which of AWS's built-in algorithms it is the image of."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from preflight.sagemaker.api.errors import ValidationException, guessed

_REGISTRIES = files(__package__) / "image_registries.json"
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z.]+)/"
    r"(?P<name>(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?)"
)

_ADVICE = "For <account>.dkr.ecr.<region>.amazonaws.com/NAME:TAG, Preflight runs the local image NAME:TAG."


@functools.cache
def _registries() -> dict[str, dict[str, Any]]:
    algorithms: dict[str, dict[str, Any]] = json.loads(_REGISTRIES.read_text())["algorithms"]
    return algorithms


def algorithms() -> list[str]:
    """The built-in algorithms whose registries are known here: ``linear-learner`` and ``xgboost``."""
    return list(_registries())


def find_algorithm(image: str, region: str) -> str | None:
    """The algorithm whose own image ``image`` is in ``region``, or None.

    What runs it here is for ``programs.py`` to say.
    """
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    for algorithm, current in _registries().items():
        for registry in (current, *current.get("older", ())):
            if match["repository"] == registry["repository"] and registry["accounts"].get(region) == match["account"]:
                return algorithm
    return None


def accounts_of(algorithm: str) -> Mapping[str, str]:
    """By region, the account that has the images of ``algorithm``."""
    accounts: dict[str, str] = _registries()[algorithm]["accounts"]
    return accounts


def is_in(image: str, region: str, repositories: Sequence[str], accounts: Mapping[str, str]) -> bool:
    """Whether ``image`` is in one of ``repositories`` of the account that ``accounts`` has for ``region``."""
    match = _ECR_IMAGE.fullmatch(image)
    return bool(match and match["repository"] in repositories and accounts.get(region) == match["account"])


def tag_of(image: str) -> str:
    """The tag of an ECR image; empty if it has none."""
    match = _ECR_IMAGE.fullmatch(image)
    return (match["tag"] or "") if match else ""


def local_name(image: str) -> str:
    """``name:tag`` of an ECR image, without its registry; any other name as it is."""
    match = _ECR_IMAGE.fullmatch(image)
    return match["name"] if match else image


def untagged(name: str) -> str:
    """``team/forest`` of ``team/forest:2``, also of one with a digest."""
    place, slash, last = name.partition("@")[0].rpartition("/")
    return place + slash + last.partition(":")[0]


def require_model_image(image: str, access_mode: str | None) -> None:
    """Raises ValidationException if AWS would not pull a model's image; ``access_mode`` is RepositoryAccessMode."""
    if not _is_pullable(image, access_mode):
        raise ValidationException(
            f'Using non-ECR image "{image}" without Vpc repository access mode is not supported. {_ADVICE}'
        )


def require_training_image(image: str, access_mode: str | None) -> None:
    """Raises ValidationException if AWS would not pull it to train; ``access_mode`` is TrainingRepositoryAccessMode."""
    if not _is_pullable(image, access_mode):
        raise ValidationException(
            "Invalid training image. Please provide a valid Amazon Elastic Container Registry path of the Docker image "
            f"to run: {image} is none. {_ADVICE}"
        )


def require_processing_image(image: str) -> None:
    """Raises ValidationException if AWS would not pull it to process."""
    if not _is_pullable(image, None):
        raise ValidationException(guessed(f"Using non-ECR image {image} is not supported. {_ADVICE}"))


def _is_pullable(image: str, access_mode: str | None) -> bool:
    """AWS pulls from ECR; from another registry in Vpc mode only."""
    return bool(_ECR_IMAGE.fullmatch(image)) or access_mode == "Vpc"


def require_same_region(image: str, region: str) -> None:
    """Raises ValidationException for a built-in algorithm's image of another region, which AWS cannot pull."""
    match = _ECR_IMAGE.fullmatch(image)
    if match and match["region"] != region and find_algorithm(image, match["region"]):
        raise ValidationException(guessed(f"Requested image {image} not found in region {region}."))
