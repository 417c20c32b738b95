"""What an approval sets off: an EventBridge rule calls a function, which has the endpoint serve the package."""

import json
from typing import Any

from aws.client import Aws
from aws.names import Names
from aws.report import Step
from aws.steps.function import PROJECT_FOLDER, Function, ensure_function, ensure_permission, zipped
from aws.wanted import Wanted

TARGET_ID = "function"


def ensure_approval_function(
    aws: Aws, names: Names, wanted: Wanted, *, role_arn: str, model_role_arn: str, step: Step
) -> str:
    """The function, which passes ``model_role_arn`` to the models it makes. Returns its ARN."""
    machine = wanted.settings.endpoint
    variables = {
        "ENDPOINT_NAME": names.endpoint,
        "ROLE_ARN": model_role_arn,
        "INSTANCE_TYPE": machine.instance_type,
        "INSTANCE_COUNT": str(machine.instance_count),
        "TAGS": json.dumps(names.tag_list),
    }
    code = zipped({"approved.py": PROJECT_FOLDER / "lambda" / "approved.py"})
    function = Function(names.approval, "approved.handler", role_arn, variables, memory_mb=256, timeout_seconds=60)
    return ensure_function(aws, names, function, code, step)


def ensure_rule(aws: Aws, names: Names, function_arn: str) -> None:
    """Every approval of a package of the project's group calls the function.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    """
    approved = {"ModelPackageGroupName": [names.package_group], "ModelApprovalStatus": ["Approved"]}
    pattern: dict[str, Any] = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": approved,
    }
    found = aws.find("events", "DescribeRule", Name=names.approval)
    if found is None or json.loads(found["EventPattern"]) != pattern:
        tags = {"Tags": names.tag_list} if found is None else {}
        why = "approvals are to be heard of" if found is None else "its pattern is another"
        aws.change("events", "PutRule", why=why, Name=names.approval, EventPattern=json.dumps(pattern), **tags)
    rule_arn = aws.arn("events", f"rule/{names.approval}")
    ensure_permission(aws, names.approval, "events.amazonaws.com", rule_arn)
    listed = aws.find("events", "ListTargetsByRule", Rule=names.approval) or {"Targets": []}
    target = {"Id": TARGET_ID, "Arn": function_arn}
    if target not in listed["Targets"]:
        aws.change("events", "PutTargets", why="it calls the function", Rule=names.approval, Targets=[target])


def delete_rule(aws: Aws, names: Names) -> None:
    """A rule goes only without its targets."""
    aws.remove("events", "RemoveTargets", Rule=names.approval, Ids=[TARGET_ID])
    aws.remove("events", "DeleteRule", Name=names.approval)
