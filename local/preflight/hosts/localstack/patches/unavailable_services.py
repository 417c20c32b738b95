"""Services that are not here say so, at once and by name."""

from collections.abc import Iterator

from localstack.utils.patch import Patch


def patches() -> Iterator[Patch]:
    yield from ()
