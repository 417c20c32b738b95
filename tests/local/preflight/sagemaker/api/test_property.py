"""Whatever is sent, the service answers as AWS would, and goes on answering: no 500, no other shape, no hang.

Requests are made from botocore's own service models, good ones and bad ones, and sent as bytes: boto3 would refuse
many by itself. Each operation gets 20 of them, always the same. PREFLIGHT_FUZZ_EXAMPLES=2000 makes it 2,000 new ones.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.service import OPERATIONS, SCALING_OPERATIONS
from preflight.stack import Stack
from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_config, wait_for_endpoint
from tests.local.raw import call, send, signature

EXAMPLES = int(os.environ.get("PREFLIGHT_FUZZ_EXAMPLES", "20"))
fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize="PREFLIGHT_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CONTROL_PLANE = list(OPERATIONS)

# Optional in the model, needed in practice.
USUAL = {
    *("AlgorithmSpecification", "TrainingImage", "ResourceConfig", "InstanceType", "InstanceCount", "VolumeSizeInGB"),
    *("InputDataConfig", "S3DataSource", "StoppingCondition", "PrimaryContainer", "Image", "ExecutionRoleArn"),
    *("ModelName", "InitialInstanceCount", "ProcessingInputs", "S3Input", "S3Output", "LocalPath"),
    *("TrainingJobDefinition", "ParameterRanges", "HyperParameterTuningJobObjective"),
}
# Just beyond what some model allows.
JUNK: list[Any] = [None, True, "", "x" * 5000, "a_b", "\u2028", "é☃𝄞", "../..", 0, -1, 2**31, 2**63, 1e308, 0.5]
JUNK += [[], {}, [None], [[]], {"": None}, {"a": {"b": []}}, "NaN", "s3://", "arn:aws:iam::0:role/x"]
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3),
    max_leaves=5,
)


class Requests:
    """Strategies for the requests of one account that has ``role`` and ``bucket``; names are few, so that they meet."""

    def __init__(self, role: str, bucket: str) -> None:
        self._role = role
        resource = "arn:aws:sagemaker:us-east-1:000000000000"
        names = ["fuzz-a", "fuzz-B"]
        self._real = {
            "RoleArn": [role, role, "arn:aws:iam::000000000000:role/none"],
            "AlgorithmImage": [LINEAR_LEARNER, XGBOOST],
            "ContainerImage": [LINEAR_LEARNER, XGBOOST],
            "ImageUri": [LINEAR_LEARNER, XGBOOST],
            "ProcessingLocalPath": ["/opt/ml/processing/a", "/opt/ml/processing/a/b/", "/opt/ml/../x"],
            "ProcessingInstanceType": ["ml.m5.large"],
            "ResourceArn": [f"{resource}:model/fuzz-a", f"{resource}:training-job/fuzz-b", f"{resource}:x/y"],
            "Url": [f"s3://{bucket}/fuzz/model.tar.gz", f"s3://{bucket}/none.tar.gz"],
            "S3Uri": [f"s3://{bucket}/fuzz/", f"https://s3.amazonaws.com/{bucket}/fuzz/", "s3://none/"],
            "TrainingInstanceType": ["ml.m5.large"],
            "ServiceNamespace": ["sagemaker", "sagemaker", "ecs"],
            "ScalableDimension": ["sagemaker:variant:DesiredInstanceCount"],
            "ResourceIdMaxLen1600": ["endpoint/fuzz-scaled/variant/v1", "endpoint/none/variant/v1"],
            "ResourceId": ["endpoint/fuzz-scaled/variant/v1"],
            "MetricType": ["SageMakerVariantInvocationsPerInstance"],
            "ScheduledActionName": names,
            "PolicyName": names,
            "ProductionVariantInstanceType": ["ml.m5.large"],
            **dict.fromkeys(
                (
                    *("TrainingJobName", "ProcessingJobName", "HyperParameterTuningJobName", "ModelName"),
                    *("EndpointName", "EndpointConfigName", "VariantName"),
                ),
                names,
            ),
        }

    def prepare(self, port: int) -> None:
        """Make what requests refer to, unless it is there."""
        container = {"Image": XGBOOST}
        model = {"ModelName": "fuzz-a", "PrimaryContainer": container, "ExecutionRoleArn": self._role}
        variant = {"VariantName": "v", "ModelName": "fuzz-a", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        for operation, request in (
            ("CreateModel", model),
            ("CreateEndpointConfig", {"EndpointConfigName": "fuzz-a", "ProductionVariants": [variant]}),
        ):
            assert call(port, operation, request)[0] in (200, 400)

    def of(self, shape: Shape) -> st.SearchStrategy[Any]:
        """A third what the model allows, most of the others with one flaw, some anything at all."""
        allowed = self._allowed(shape)
        kinds = {"allowed": allowed, "flawed": allowed.flatmap(_flawed), "anything": Json}
        return st.sampled_from(["allowed"] * 4 + ["flawed"] * 7 + ["anything"]).flatmap(kinds.__getitem__)

    def _allowed(self, shape: Shape) -> st.SearchStrategy[Any]:
        match shape:
            case StructureShape():
                return self._structure(shape)
            case ListShape():
                low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 3)
                return st.lists(self._allowed(shape.member), min_size=low, max_size=max(low, min(high, 3)))
            case MapShape():
                return st.dictionaries(self._string(shape.key), self._allowed(shape.value), max_size=3)
            case StringShape():
                return self._string(shape)
        match shape.type_name:
            case "boolean":
                return st.booleans()
            case "timestamp":
                return st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
            case "integer" | "long":
                low = max(1, shape.metadata.get("min", 1))
                return st.integers(low, max(low, min(shape.metadata.get("max", low + 1), low + 1)))  # instances cost
            case "float" | "double":
                return st.floats(0, 10)
        return st.text()

    def _structure(self, shape: StructureShape) -> st.SearchStrategy[dict[str, Any]]:
        usual = [name for name in shape.members if name in USUAL or name in shape.required_members]
        others = [name for name in shape.members if name not in usual]
        chosen = st.lists(st.sampled_from(others), max_size=1, unique=True) if others else st.just([])
        return chosen.flatmap(
            lambda names: st.fixed_dictionaries({name: self._allowed(shape.members[name]) for name in usual + names})
        )

    def _string(self, shape: StringShape) -> st.SearchStrategy[str]:
        if real := self._real.get(shape.name):
            return st.sampled_from(real)
        if shape.enum:
            return st.sampled_from(shape.enum)
        pattern = shape.metadata.get("pattern", ".*")
        high = min(shape.metadata.get("max", 64), 64)
        if r"\p" in pattern or r"\uD800" in pattern:  # Java's own
            return st.text("aZ9-_.:/=+@ ", max_size=high)
        printable = st.characters(codec="ascii", categories=["L", "N", "P"])
        return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=printable).map(lambda x: x[:high])


@st.composite
def _flawed(draw: st.DrawFn, request: Any) -> Any:
    """``request`` with one value, somewhere in it, replaced or left out."""
    places = list(_places(request))
    if not places:
        return draw(st.sampled_from(JUNK))
    container, key = draw(st.sampled_from(places))
    if draw(st.integers(0, 3)):
        container[key] = draw(st.sampled_from(JUNK))
    else:
        del container[key]
    return request


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in ``value`` as what holds it and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


@pytest.fixture(scope="module")
def requests(role: str, bucket: str, put: Make) -> Requests:
    put("fuzz/data.csv", "1,2\n0,1\n")
    put("fuzz/model.tar.gz", b"not an archive")
    return Requests(role, bucket)


@pytest.fixture(scope="module", autouse=True)
def _stop_what_was_started(stack: Stack) -> Iterator[None]:
    yield
    for name in ("fuzz-a", "fuzz-B", "fuzz-scaled"):
        call(stack.port, "DeleteEndpoint", {"EndpointName": name})
        call(stack.port, "StopHyperParameterTuningJob", {"HyperParameterTuningJobName": name})
        call(stack.port, "StopTrainingJob", {"TrainingJobName": name})
        call(stack.port, "StopProcessingJob", {"ProcessingJobName": name})


def require_answer(status: int, answer: Any) -> None:
    """An answer of the control plane: a success, or an error in AWS's shape that is the caller's to mend."""
    assert status in (200, 400, 501), answer
    assert isinstance(answer, dict)
    if status != 200:
        assert answer.keys() == {"__type", "message"}, answer
        assert re.fullmatch(r"[A-Z]\w+", answer["__type"])
        assert isinstance(answer["message"], str)
        assert answer["message"]


@pytest.mark.parametrize("operation", CONTROL_PLANE)
def test_any_request_gets_an_answer_in_awss_shape(stack: Stack, requests: Requests, operation: str) -> None:
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None
    requests.prepare(stack.port)

    @fuzzed
    @given(requests.of(shape))
    def check(request: Any) -> None:
        require_answer(*call(stack.port, operation, request))

    check()
    assert call(stack.port, "ListModels", {})[0] == 200


@pytest.mark.parametrize("operation", list(SCALING_OPERATIONS))
def test_any_request_to_application_auto_scaling_gets_an_answer_in_awss_shape(
    stack: Stack, sagemaker: Any, model: str, requests: Requests, operation: str
) -> None:
    shape = service_model("application-autoscaling").operation_model(operation).input_shape
    assert shape is not None
    key = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/fuzz-scaled/variant/v1",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    if call(stack.port, "DescribeEndpoint", {"EndpointName": "fuzz-scaled"})[0] != 200:
        config = make_config(sagemaker, model)
        sagemaker.create_endpoint(EndpointName="fuzz-scaled", EndpointConfigName=config)
        wait_for_endpoint(sagemaker, "fuzz-scaled")

    def scale(operation: str, request: Any) -> tuple[int, dict[str, Any]]:
        return call(stack.port, operation, request, X_Amz_Target=f"AnyScaleFrontendService.{operation}")

    assert scale("RegisterScalableTarget", key | {"MinCapacity": 1, "MaxCapacity": 1})[0] == 200

    @fuzzed
    @given(requests.of(shape))
    def check(request: Any) -> None:
        require_answer(*scale(operation, request))

    check()
    assert scale("DescribeScalableTargets", {"ServiceNamespace": "sagemaker"})[0] == 200


Header = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=70)


def test_any_bytes_get_an_answer_in_awss_shape(stack: Stack) -> None:
    targets = st.sampled_from(["SageMaker.CreateModel", "SageMaker.ListTags", "SageMaker.", "SageMaker.X"]) | Header

    @fuzzed
    @given(
        body=st.binary(max_size=99) | st.text().map(str.encode) | Json.map(lambda value: json.dumps(value).encode()),
        target=targets,
        content_type=st.sampled_from(["application/x-amz-json-1.1", "text/plain", "application/x-amz-cbor"]) | Header,
        authorization=st.sampled_from([signature(), ""]) | Header.map(lambda text: f"{signature()}, {text}"),
    )
    def check(body: bytes, target: str, content_type: str, authorization: str) -> None:
        headers = {"X-Amz-Target": target, "Content-Type": content_type, "Authorization": authorization}
        status, answered, answer = send(stack.port, "POST", "/", body, headers)
        if target.startswith("SageMaker."):
            require_answer(status, json.loads(answer) if answer else {})
        elif "/sagemaker/" in authorization:
            assert status in (400, 404), (status, answered, answer)

    check()


@pytest.mark.parametrize(
    ("operation", "called"), [("InvokeEndpoint", "invocations"), ("InvokeEndpointAsync", "async-invocations")]
)
def test_any_invocation_gets_an_answer_in_the_runtimes_shape(
    stack: Stack, sagemaker: Any, model: str, create_endpoint: Make, bucket: str, operation: str, called: str
) -> None:
    output = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/fuzz"}}}
    config = make_config(sagemaker, model, together=output if called == "async-invocations" else {})
    endpoint = create_endpoint(config)["EndpointName"]
    members = service_model("sagemaker-runtime").operation_model(operation).input_shape.members
    names = [member.serialization["name"] for member in members.values() if "name" in member.serialization]

    @fuzzed
    @given(
        name=st.sampled_from([endpoint] * 5 + ["no-endpoint"])
        | st.text(st.characters(codec="ascii", categories=["L", "N"])),
        headers=st.dictionaries(st.sampled_from(names), Header | st.just("a" * 1025), max_size=4),
        body=st.binary(max_size=99),
        suffix=st.sampled_from(["", "", "", "?x=1", "/", "%00"]),
    )
    def check(name: str, headers: dict[str, str], body: bytes, suffix: str) -> None:
        path = f"/endpoints/{name}/{called}{suffix}"
        headers = {"Authorization": signature()} | headers
        status, answered, answer = send(stack.port, "POST", path, body, headers)
        assert status in (200, 202, 400, 404, 424, 501), (status, answer)
        if status not in (200, 202, 404):
            assert answered["x-amzn-errortype"]
            assert json.loads(answer)

    check()
    assert call(stack.port, "ListEndpoints", {})[0] == 200
