"""boto3's waiters and paginators, of the release Preflight runs on and of a newer one."""

import pytest

from tests.clients.conftest import Flow


@pytest.mark.flow("preflight", "boto3_flow.py")
def test_boto3_waits_and_pages(flow: Flow) -> None:
    require_whole_flow(flow)


@pytest.mark.flow("sagemaker-3", "boto3_flow.py")
def test_a_newer_boto3_waits_and_pages(flow: Flow) -> None:
    require_whole_flow(flow)
    assert "boto3 1.44." in flow.output


def require_whole_flow(flow: Flow) -> None:
    flow.require_success()
    assert flow.output.count(" Completed") == 2
    for found in ("jobs: True", "models: True", "configs: True", "endpoints: True", "logged: True", "left: []"):
        assert found in flow.output
    assert "tags: [{'Key': 'project', 'Value': 'demo'}]" in flow.output


@pytest.mark.flow("sagemaker-3", "boto3_newer.py")
def test_what_only_a_newer_boto3_knows_is_refused_by_name(flow: Flow) -> None:
    flow.require_success()
    member, operation = flow.output.splitlines()
    assert "(UnsupportedByPreflight)" in member
    assert "VariantInstanceProvisionTimeoutInSeconds of ProductionVariant is not supported by Preflight yet." in member
    assert "ListAIBenchmarkJobs is no operation of SageMaker that Preflight knows." in operation
