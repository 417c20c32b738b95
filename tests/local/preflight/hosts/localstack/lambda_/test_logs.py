"""What a function's lines and counts become in CloudWatch."""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.local.conftest import ALLOW_ALL, Make, make_role, set_policy, unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, create, eventually

SAYS = "def handler(event, context): print(f'said {event}')"


def messages(client: Make, function_name: str) -> str:
    try:
        events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function_name}")["events"]
    except ClientError:  # no group yet
        return ""
    return "".join(event["message"] for event in events)


def test_lines_are_kept_as_long_as_the_role_may_write_them(client: Make) -> None:
    role = make_role(client("iam"), "lambda.amazonaws.com")
    function = create(client("lambda"), role, SAYS)

    function(1)
    assert eventually(lambda: "said 1" in messages(client, function.name))
    set_policy(client("iam"), role, [{"Effect": "Allow", "NotAction": "logs:*", "Resource": "*"}])
    function(2)
    heard_elsewhere = create(client("lambda"), make_role(client("iam"), "lambda.amazonaws.com"), SAYS)
    heard_elsewhere(2)  # in the same moment
    assert eventually(lambda: "said 2" in messages(client, heard_elsewhere.name))
    set_policy(client("iam"), role, [ALLOW_ALL])
    function(3)

    assert eventually(lambda: "said 3" in messages(client, function.name))
    assert "said 2" not in messages(client, function.name)
    for made in (function, heard_elsewhere):
        client("lambda").delete_function(FunctionName=made.name)


def test_a_metric_filter_sees_the_lines_and_calls_are_counted(client: Make, create_function: Create) -> None:
    function, namespace = create_function(SAYS), unique("Lines")
    function("first")
    assert eventually(lambda: "said first" in messages(client, function.name))
    client("logs").put_metric_filter(
        logGroupName=f"/aws/lambda/{function.name}",
        filterName="said",
        filterPattern="said",
        metricTransformations=[{"metricName": "Said", "metricNamespace": namespace, "metricValue": "1"}],
    )

    function("second")

    assert eventually(lambda: total(client, namespace, "Said"))
    assert eventually(lambda: total(client, "AWS/Lambda", "Invocations", FunctionName=function.name) == 2)
    client("logs").delete_metric_filter(logGroupName=f"/aws/lambda/{function.name}", filterName="said")


def total(client: Make, namespace: str, name: str, **dimensions: str) -> Any:
    now = datetime.now(UTC)
    points = client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)
