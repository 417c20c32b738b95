"""Shadow variants: they get copies, and nobody gets their answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preflight.sagemaker.api.errors import ServiceError, ValidationException
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import Make, unique
from tests.local.odd_service import OddService
from tests.local.preflight.sagemaker.transform.conftest import read_objects

VARIANT = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def odd(stack: Stack, role: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddService]:
    service = OddService(stack, role, tmp_path_factory.mktemp("odd"))
    yield service
    service.close()


class Shadowed:
    """An endpoint of one variant with its shadow; both are captured."""

    def __init__(self, odd: OddService, s3: Any, bucket: str, weight: float, **environment: str) -> None:
        self._odd, self._s3, self._bucket, self._folder = odd, s3, bucket, unique("shadowed")
        config = unique("config")
        capture = {
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/{self._folder}",
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv", "text/real", "text/copied"]},
        }
        models = odd.model({"ODD_NAME": "real"} | environment), odd.model({"ODD_NAME": "copied"})
        odd.call(
            "CreateEndpointConfig",
            EndpointConfigName=config,
            ProductionVariants=[VARIANT | {"VariantName": "v1", "ModelName": models[0]}],
            ShadowProductionVariants=[
                VARIANT | {"VariantName": "shadow", "ModelName": models[1], "InitialVariantWeight": weight}
            ],
            DataCaptureConfig=capture,
        )
        self.name = odd.endpoint(config)
        self.described = odd.call("DescribeEndpoint", EndpointName=self.name)
        self.config = odd.call("DescribeEndpointConfig", EndpointConfigName=config)

    def ask(self, body: Any, **members: Any) -> str:
        answer = self._odd.ask(self.name, body, ContentType="text/csv", **members)
        assert answer["InvokedProductionVariant"] == "v1"
        return str(answer["Body"].read().decode())

    def captured(self, variant: str) -> list[str]:
        """What the variant has answered, once the endpoint is gone."""
        files = read_objects(self._s3, self._bucket, f"{self._folder}/{self.name}/{variant}/")
        lines = [json.loads(line) for content in files.values() for line in content.splitlines()]
        return [line["captureData"]["endpointOutput"]["data"] for line in lines]

    def delete(self) -> None:
        self._odd.call("DeleteEndpoint", EndpointName=self.name)
        assert wait_until(lambda: not self._odd.call("ListEndpoints", NameContains=self.name)["Endpoints"], 60, 0.05)


@pytest.fixture
def shadowed(odd: OddService, client: Make, bucket: str) -> Make:
    return lambda weight=1.0, **environment: Shadowed(odd, client("s3"), bucket, weight, **environment)


def test_a_shadow_gets_copies_whose_answers_are_measured_and_captured(shadowed: Make, client: Make) -> None:
    endpoint = shadowed()
    for number in range(5):
        assert endpoint.ask(f"{number}") == f"real({number})"

    def copies() -> float:
        now = datetime.now(UTC)
        points = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint.name}, {"Name": "VariantName", "Value": "shadow"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    assert wait_until(lambda: copies() == 5, 30, 0.2)
    endpoint.delete()
    assert sorted(endpoint.captured("v1")) == [f"real({number})" for number in range(5)]
    assert sorted(endpoint.captured("shadow")) == [f"copied({number})" for number in range(5)]


def test_a_shadow_stands_apart(shadowed: Make, odd: OddService) -> None:
    endpoint = shadowed(weight=0.0)
    for _ in range(5):
        endpoint.ask("x")

    assert [variant["VariantName"] for variant in endpoint.described["ProductionVariants"]] == ["v1"]
    assert [variant["VariantName"] for variant in endpoint.described["ShadowProductionVariants"]] == ["shadow"]
    assert endpoint.described["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert [variant["InitialVariantWeight"] for variant in endpoint.config["ShadowProductionVariants"]] == [0.0]
    with pytest.raises(odd.runtime.exceptions.ValidationError):
        endpoint.ask("x", TargetVariant="shadow")
    endpoint.delete()
    assert len(endpoint.captured("v1")) == 5
    assert not endpoint.captured("shadow")


def test_a_shadow_that_does_not_answer_holds_nobody_up(shadowed: Make) -> None:
    endpoint = shadowed(ODD_ECHO="1")  # only the shadow does as it is told
    orders = json.dumps({"hang": True})
    for _ in range(40):  # more than there are threads for copies
        assert endpoint.ask(orders) == orders
    endpoint.delete()


def test_a_shadow_stands_beside_one_variant(odd: OddService) -> None:
    model = odd.model()
    first, second, shadow = (VARIANT | {"VariantName": name, "ModelName": model} for name in ("a", "b", "c"))
    for variants, shadows, more in (
        ([first, second], [shadow], {}),
        ([first], [second, shadow], {}),
        ([first], [first], {}),
        ([first], [shadow], {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/c"}}}),
    ):
        with pytest.raises(ServiceError) as refused:
            odd.call(
                "CreateEndpointConfig",
                EndpointConfigName=unique("config"),
                ProductionVariants=variants,
                ShadowProductionVariants=shadows,
                **more,
            )
        assert refused.type is ValidationException
