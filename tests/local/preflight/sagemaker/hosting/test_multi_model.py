"""Multi-model endpoints: models that come when they are asked, and go when there is no room."""

import io
import json
import random
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_config, refusal, unique
from tests.local.odd_service import IMAGE, OddService


def packed(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Many:
    """An endpoint of odd multi-model containers, and the prefix of its models."""

    def __init__(self, odd: OddService, put: Make, bucket: str, *, holds: int, instances: int, cache: str) -> None:
        self._odd, self._put, self.prefix = odd, put, f"{unique('models')}/"
        container = {"ModelDataUrl": f"s3://{bucket}/{self.prefix}", "Mode": "MultiModel"}
        container["MultiModelConfig"] = {"ModelCacheSetting": cache}  # type: ignore[assignment]
        model = unique("many")
        odd.call(
            "CreateModel",
            ModelName=model,
            ExecutionRoleArn=odd._role,
            PrimaryContainer={"Image": IMAGE, "Environment": {"ODD_HOLDS": str(holds)}} | container,
        )
        self.name = odd.endpoint(odd.config(model, InitialInstanceCount=instances))

    def add(self, name: str, **files: str) -> None:
        self._put(f"{self.prefix}{name}", packed(**{"name": name} | files))

    def ask(self, name: str, body: str = "x") -> str:
        answer = self._odd.runtime.invoke_endpoint(EndpointName=self.name, TargetModel=name, Body=body)
        return str(answer["Body"].read().decode())


@pytest.fixture
def many(odd: OddService, put: Make, bucket: str) -> Callable[..., Many]:
    def make(holds: int = 5, instances: int = 1, cache: str = "Enabled") -> Many:
        return Many(odd, put, bucket, holds=holds, instances=instances, cache=cache)

    return make


def test_forty_models_answer_right_where_memory_holds_five(many: Make, client: Make) -> None:
    endpoint = many(holds=5, instances=2)
    names = [f"group/{number}.tar.gz" for number in range(40)]
    for name in names:
        endpoint.add(name)
    asked = names * 3
    random.Random(1).shuffle(asked)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(endpoint.ask, asked))

    assert answers == [f"{name}(x) for {name}" for name in asked]
    cloudwatch = client("cloudwatch")
    metrics = {
        "ModelCacheHit",
        "ModelLoadingWaitTime",
        "ModelDownloadingTime",
        "ModelLoadingTime",
        "ModelUnloadingTime",
    }
    where = {"Dimensions": [{"Name": "EndpointName", "Value": endpoint.name}]}

    def seen(namespace: str) -> set[str]:
        listed = cloudwatch.list_metrics(Namespace=namespace, **where)["Metrics"]
        return {metric["MetricName"] for metric in listed}

    assert wait_until(lambda: metrics <= seen("AWS/SageMaker"), 30, 0.2)
    assert wait_until(lambda: "LoadedModelCount" in seen("/aws/sagemaker/Endpoints"), 30, 0.2)


def test_callers_of_several_models_wait_for_each_other_where_memory_holds_one(many: Make) -> None:
    endpoint = many(holds=1)
    names = ["a.tar.gz", "b.tar.gz", "c.tar.gz"]
    for name in names:
        endpoint.add(name)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(endpoint.ask, names * 20))

    assert answers == [f"{name}(x) for {name}" for name in names * 20]


def test_a_call_goes_to_the_instance_that_has_its_model(many: Make, client: Make) -> None:
    endpoint = many(instances=3)
    endpoint.add("a.tar.gz")
    for _ in range(30):
        endpoint.ask("a.tar.gz")

    def hits() -> tuple[float, float]:
        now = datetime.now(UTC)
        points = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ModelCacheHit",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint.name}, {"Name": "VariantName", "Value": "v1"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["SampleCount", "Sum"],
        )["Datapoints"]
        return sum(point["SampleCount"] for point in points), sum(point["Sum"] for point in points)

    assert wait_until(lambda: hits()[0] == 30, 30, 0.2)
    assert hits() == (30, 29)


def test_a_model_that_comes_later_is_found_and_one_that_is_not_there_is_refused(many: Make, odd: OddService) -> None:
    endpoint = many()
    with pytest.raises(odd.runtime.exceptions.ValidationError) as missing:
        endpoint.ask("late.tar.gz")
    endpoint.add("late.tar.gz")

    assert f"key: {endpoint.prefix}late.tar.gz" in str(missing.value)
    assert endpoint.ask("late.tar.gz") == "late.tar.gz(x) for late.tar.gz"


def test_a_model_that_loads_too_long_is_not_ready_and_loads_on(many: Make, odd: OddService) -> None:
    endpoint = many()
    endpoint.add("slow.tar.gz", slow="3")  # a request may take 1.5 seconds

    with pytest.raises(odd.runtime.exceptions.ModelNotReadyException):
        endpoint.ask("slow.tar.gz")

    def answer() -> str | None:
        try:
            return endpoint.ask("slow.tar.gz")
        except odd.runtime.exceptions.ClientError:  # also ready, but too late for this request
            return None

    assert wait_until(answer, 30, 0.1) == "slow.tar.gz(x) for slow.tar.gz"


def test_a_container_that_dies_takes_its_models_along_and_they_are_loaded_anew(many: Make, odd: OddService) -> None:
    endpoint = many()
    endpoint.add("one.tar.gz")
    endpoint.ask("one.tar.gz")
    with pytest.raises(odd.runtime.exceptions.ClientError):
        endpoint.ask("one.tar.gz", "die")

    def answer() -> str | None:
        try:
            return endpoint.ask("one.tar.gz")
        except odd.runtime.exceptions.ClientError:
            return None

    assert wait_until(answer, 30, 0.1) == "one.tar.gz(x) for one.tar.gz"


def test_without_a_cache_nothing_of_a_model_stays(many: Make, odd: OddService) -> None:
    endpoint = many(holds=1, cache="Disabled")
    for name in ("one.tar.gz", "two.tar.gz"):
        endpoint.add(name)
        assert endpoint.ask(name) == f"{name}(x) for {name}"

    assert wait_until(lambda: not [one for one in odd.folder.rglob("models/*") if endpoint.name in str(one)], 30, 0.05)


def test_a_request_must_name_a_model_and_only_here(many: Make, odd: OddService) -> None:
    endpoint, plain = many(), odd.endpoint(odd.config(odd.model()))

    code, _ = refusal(odd.runtime.invoke_endpoint, EndpointName=endpoint.name, Body="x")
    other, message = refusal(odd.runtime.invoke_endpoint, EndpointName=plain, TargetModel="m.tar.gz", Body="x")

    assert (code, other) == ("ValidationError", "ValidationError")
    assert message == f"Endpoint {plain} is not a multi-model endpoint and does not support target model header."


def test_what_is_no_multi_model_is_refused(sagemaker: Any, role: str, bucket: str) -> None:
    def said(**members: Any) -> tuple[str, str]:
        container = {"Image": XGBOOST, "Mode": "MultiModel"} | members
        return refusal(
            sagemaker.create_model, ModelName=unique("model"), ExecutionRoleArn=role, PrimaryContainer=container
        )

    assert said()[0] == "ValidationException"
    source = {"S3Uri": f"s3://{bucket}/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    assert said(ModelDataSource={"S3DataSource": source})[0] == "ValidationException"
    pipeline = [{"Image": XGBOOST, "Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/m/"}, {"Image": XGBOOST}]
    code, message = refusal(
        sagemaker.create_model, ModelName=unique("model"), ExecutionRoleArn=role, Containers=pipeline
    )
    assert (code, "Mode MultiModel in a pipeline" in message) == ("UnsupportedByPreflight", True)


def serve(sagemaker: Any, role: str, image: str, url: str, create_endpoint: Make, **environment: str) -> str:
    name = unique("many")
    container = {"Image": image, "Mode": "MultiModel", "ModelDataUrl": url, "Environment": environment}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    described = sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    assert (described["Mode"], described["ModelDataUrl"]) == ("MultiModel", url)
    return str(create_endpoint(make_config(sagemaker, name))["EndpointName"])


@pytest.mark.launchers("process", "docker")
@pytest.mark.parametrize("image", [XGBOOST, LINEAR_LEARNER])
def test_the_built_in_algorithms_serve_many_models(
    client: Make, sagemaker: Any, runtime: Any, role: str, bucket: str, train: Make, create_endpoint: Make, image: str
) -> None:
    s3, prefix = client("s3"), unique("models")
    rows = "".join(f"{i % 2},{i % 2 * 4},{i % 3}\n" for i in range(60))
    other = "".join(f"{1 - i % 2},{i % 2 * 4},{i % 3}\n" for i in range(60))
    hyper = {"num_round": "3", "objective": "binary:logistic"} if image == XGBOOST else None
    for name, table in (("one", rows), ("sub/two", other)):
        specification = {"TrainingImage": image, "TrainingInputMode": "File"}
        job = train(table, hyper, AlgorithmSpecification=specification)
        source_bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
        s3.copy_object(Bucket=bucket, Key=f"{prefix}/{name}.tar.gz", CopySource={"Bucket": source_bucket, "Key": key})
    endpoint = serve(sagemaker, role, image, f"s3://{bucket}/{prefix}/", create_endpoint)

    def classes(name: str) -> list[bool]:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, TargetModel=f"{name}.tar.gz", ContentType="text/csv", Body="4,1\n0,1\n"
        )
        text = answer["Body"].read().decode()
        if image == XGBOOST:
            return [float(score) > 0.5 for score in text.split(",")]
        return [bool(one["predicted_label"]) for one in json.loads(text)["predictions"]]

    assert classes("one") == [True, False]
    assert classes("sub/two") == [False, True]
    assert classes("one") == [True, False]
