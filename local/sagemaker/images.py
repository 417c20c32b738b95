"""Which program stands behind an image URI: a built-in algorithm of AWS, or nothing known here."""

import functools
import json
import re
from pathlib import Path

from local.sagemaker.errors import UnsupportedByPreflight, ValidationException

_REGISTRIES_FILE = Path(__file__).resolve().parents[2] / "image_registries.json"
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z.]+)/(?P<repository>[^:@]+)(?::(?P<tag>.+))?"
)


@functools.cache
def _registries() -> dict[str, dict[str, object]]:
    algorithms: dict[str, dict[str, object]] = json.loads(_REGISTRIES_FILE.read_text())["algorithms"]
    return algorithms


def find_builtin_algorithm(image: str, region: str) -> str | None:
    """``linear-learner`` or ``xgboost`` if ``image`` is that algorithm's own image in ``region``, else None."""
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    for algorithm, registry in _registries().items():
        accounts = registry["accounts"]
        assert isinstance(accounts, dict)
        if match["repository"] == registry["repository"] and accounts.get(region) == match["account"]:
            return algorithm
    return None


def require_image(image: str, region: str) -> str:
    """The built-in algorithm of ``image``.

    Raises:
        ValidationException: the image is a built-in algorithm's of another region, which AWS cannot pull.
        UnsupportedByPreflight: any other image; it needs a container engine.
    """
    algorithm = find_builtin_algorithm(image, region)
    if algorithm:
        return algorithm
    match = _ECR_IMAGE.fullmatch(image)
    if match and match["region"] != region and find_builtin_algorithm(image, match["region"]):
        raise ValidationException(
            f"Requested image {image} not found in region {region}."  # a guess at AWS's words
        )
    raise UnsupportedByPreflight(
        f"Image {image} (not the image of a built-in algorithm, {' or '.join(_registries())}, in {region})"
    )
