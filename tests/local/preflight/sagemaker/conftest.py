"""Groups of the registry, and versions in them."""

from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, unique


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = unique("Group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="of tests")
    return name


@pytest.fixture(scope="session")
def archive(put: Make, empty_archive: bytes) -> str:
    """A model.tar.gz that can be registered; what is in it shows when it is deployed."""
    return put(f"{unique('registry')}/model.tar.gz", empty_archive)


@pytest.fixture
def register(sagemaker: Any, group: str, archive: str) -> Make:
    """A new version of the group; its ARN."""

    def register(container: dict[str, Any] | None = None, **members: Any) -> str:
        specification = {
            "Containers": [{"Image": XGBOOST, "ModelDataUrl": archive} | (container or {})],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        request = {"ModelPackageGroupName": group, "InferenceSpecification": specification} | members
        arn: str = sagemaker.create_model_package(**request)["ModelPackageArn"]
        return arn

    return register
