"""Debugger and profiler settings of a training job: accepted where nothing here comes of them, else refused by name.

AWS runs rules as processing jobs beside the training job. Preflight runs none, and says so in their status.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException

_RULE_ACTION, _ = (
    refused_case(operation, "RuleParameters.action_json, a rule's action")
    for operation in ("CreateTrainingJob", "UpdateTrainingJob")
)

PROFILING_INTERVALS = (100, 200, 500, 1_000, 5_000, 60_000)  # milliseconds
_RULES = {"DebugRuleConfigurations": "DebugRuleEvaluationStatuses"}
_RULES["ProfilerRuleConfigurations"] = "ProfilerRuleEvaluationStatuses"


def require_valid(request: Mapping[str, Any]) -> None:
    """Raises ValidationException as AWS does, UnsupportedByPreflight for a rule that would act on the job."""
    interval = request.get("ProfilerConfig", {}).get("ProfilingIntervalInMilliseconds")
    if interval is not None and interval not in PROFILING_INTERVALS:
        raise ValidationException(  # words guessed
            f"Invalid ProfilingIntervalInMilliseconds {interval}. Available values are "
            f"{', '.join(map(str, PROFILING_INTERVALS))}."
        )
    if request.get("DebugRuleConfigurations") and "DebugHookConfig" not in request:
        raise ValidationException("DebugRuleConfigurations requires DebugHookConfig.")  # words guessed
    for member in _RULES:
        names = [rule["RuleConfigurationName"] for rule in request.get(member, [])]
        if len(set(names)) < len(names):
            raise ValidationException(f"Rule configuration names in {member} must be unique.")  # words guessed
        for rule in request.get(member, []):
            if "action_json" in rule.get("RuleParameters", {}):
                raise _RULE_ACTION.error(rule["RuleConfigurationName"])


def describe(request: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """The members of DescribeTrainingJob that debugging and profiling add."""
    shown: dict[str, Any] = {"ProfilingStatus": "Disabled"}  # nothing is profiled, whatever was asked
    if "DebugHookConfig" in request:
        shown["DebugHookConfig"] = {"CollectionConfigurations": [], **request["DebugHookConfig"]}
    if "ProfilerConfig" in request:
        defaults = {"ProfilingIntervalInMilliseconds": 500, "DisableProfiler": False}
        shown["ProfilerConfig"] = {**defaults, **request["ProfilerConfig"]}
    for configurations, statuses in _RULES.items():
        if rules := request.get(configurations):
            shown[configurations] = rules
            shown[statuses] = [
                {
                    "RuleConfigurationName": rule["RuleConfigurationName"],
                    "RuleEvaluationStatus": "Error",
                    "StatusDetails": "Preflight does not evaluate rules: no processing job ran for this one.",
                    "LastModifiedTime": moment,
                }
                for rule in rules
            ]
    return shown
