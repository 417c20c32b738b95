"""The example names AWS's images by a table of its own, for it knows nothing of the kit; both say the same."""

from importlib.resources import files

from tests.conftest import REPOSITORY


def test_the_example_and_the_kit_know_the_same_registries() -> None:
    of_the_kit = files("preflight.sagemaker.launching") / "image_registries.json"

    assert (REPOSITORY / "aws" / "image_registries.json").read_text() == of_the_kit.read_text()
