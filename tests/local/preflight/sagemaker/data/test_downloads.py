"""What comes from S3 can be given up at any moment, leaves no half a file then, and stays in its folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.archives import download_archive
from preflight.sagemaker.data.downloads import download_object, download_prefix
from preflight.sagemaker.data.errors import ArtifactError
from preflight.stack import Stack

from tests.local.conftest import Make, unique
from tests.local.preflight.hostile import member, tar

SCOPE = Scope("000000000000", "us-east-1")


class GivenUp(Exception):
    pass


@pytest.fixture(scope="module")
def services(stack: Stack) -> Clients:
    return Clients(stack.endpoint_url)


@pytest.fixture
def give_up() -> Callable[[], None]:
    """Gives up at the third moment."""
    moments = iter(range(2))

    def check() -> None:
        if next(moments, None) is None:
            raise GivenUp

    return check


def test_a_large_object_is_given_up_halfway(
    services: Clients, put: Make, tmp_path: Path, give_up: Callable[[], None]
) -> None:
    uri = S3Uri.parse(put(unique("large"), bytes(40 << 20)))

    with pytest.raises(GivenUp):
        download_object(services, SCOPE, uri, tmp_path, "large", give_up)

    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_given_up_halfway(
    services: Clients, put: Make, tmp_path: Path, give_up: Callable[[], None]
) -> None:
    uri = S3Uri.parse(put(unique("archive"), tar([member(f"{place}") for place in range(9)], "w:gz")))

    with pytest.raises(GivenUp):
        download_archive(services, SCOPE, uri, tmp_path, check=give_up)

    assert len(list(tmp_path.iterdir())) < 9


@pytest.mark.parametrize("key", ["../reached", "a/../../reached", "/../reached"])
def test_no_object_of_a_prefix_leaves_the_folder(services: Clients, put: Make, tmp_path: Path, key: str) -> None:
    prefix = unique("prefix")
    uri = S3Uri.parse(put(f"{prefix}/{key}", "reached"))

    with pytest.raises(ArtifactError, match="does not stay inside its folder"):
        download_prefix(services, SCOPE, S3Uri(uri.bucket, f"{prefix}/"), tmp_path / "folder")

    assert not (tmp_path / "reached").exists()
