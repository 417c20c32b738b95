"""What the image's tag changes: AWS has an image for each version of the library, Preflight has one library."""

import re

from preflight_container.log import log
from preflight_container.xgboost_builtin.library import VERSION

TAG_VARIABLE = "PREFLIGHT_IMAGE_TAG"
FIRST_VERSION = "0.72"  # what the tags 1 and latest of the repository `xgboost` hold


def library_version(tag: str | None) -> str | None:
    """The library's version in AWS's image of that tag: ``1.7`` for 1.7-1. None where it is not known."""
    if tag in ("1", "latest"):
        return FIRST_VERSION
    match = re.match(r"(\d+\.\d+)-\d", tag or "")
    return match[1] if match else None


def library_numbers(tag: str | None) -> tuple[int, ...] | None:
    """``(1, 7)`` for 1.7-1. None where it is not known."""
    version = library_version(tag)
    return tuple(map(int, version.split("."))) if version else None


def warn_of_version(tag: str | None) -> None:
    """Says in the log where the image's library is another than the one that runs."""
    version = library_version(tag)
    here = ".".join(VERSION.split(".")[:2])
    if version and version != here:
        log(
            f"The image's tag is {tag}, which holds xgboost {version} on AWS. Preflight runs xgboost {VERSION}: "
            "results and defaults may differ; the model file is one that xgboost of that version can load.",
            level="WARNING",
        )
