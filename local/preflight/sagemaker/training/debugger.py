"""Debugger and profiler settings of a training job: accepted where nothing here comes of them, else refused by name.

AWS runs rules as processing jobs beside the training job. Preflight runs none, and says so in their status.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.training.request import CreateTrainingJob, ProfilerConfig, RemoteDebugConfig, RuleConfiguration

RULE_ACTION = RefusedCase("CreateTrainingJob", "RuleParameters.action_json, a rule's action")
REMOTE_DEBUG = RefusedCase("CreateTrainingJob", "RemoteDebugConfig.EnableRemoteDebug true")
UPDATED_RULE_ACTION = RefusedCase("UpdateTrainingJob", RULE_ACTION.case)
UPDATED_REMOTE_DEBUG = RefusedCase("UpdateTrainingJob", REMOTE_DEBUG.case)

PROFILING_INTERVALS = (100, 200, 500, 1_000, 5_000, 60_000)  # milliseconds


def require_valid(request: CreateTrainingJob) -> None:
    """Raises ValidationException as AWS does, UnsupportedByPreflight for a rule that would act on the job."""
    require_profiling(request.profiler_config, request.profiler_rule_configurations, RULE_ACTION)
    if request.debug_rule_configurations and request.debug_hook_config is None:
        raise ValidationException(guessed("DebugRuleConfigurations requires DebugHookConfig."))
    _require_rules("DebugRuleConfigurations", request.debug_rule_configurations, RULE_ACTION)
    require_no_remote_debug(request.remote_debug_config, REMOTE_DEBUG)


def require_no_remote_debug(config: RemoteDebugConfig | None, refused: RefusedCase) -> None:
    if config and config.enable_remote_debug:
        raise refused.error()


def require_profiling(
    config: ProfilerConfig | None, rules: Iterable[RuleConfiguration], rule_action: RefusedCase
) -> None:
    """The same of the profiler's settings, which UpdateTrainingJob may change."""
    interval = config.profiling_interval_in_milliseconds if config else None
    if interval is not None and interval not in PROFILING_INTERVALS:
        raise ValidationException(
            guessed(
                f"Invalid ProfilingIntervalInMilliseconds {interval}. Available values are "
                f"{', '.join(map(str, PROFILING_INTERVALS))}."
            )
        )
    _require_rules("ProfilerRuleConfigurations", rules, rule_action)


def describe(request: CreateTrainingJob, moment: datetime) -> dict[str, Any]:
    """The members of DescribeTrainingJob that debugging and profiling add."""
    shown: dict[str, Any] = {"ProfilingStatus": "Disabled"}  # nothing is profiled, whatever was asked
    if hook := request.debug_hook_config:
        shown["DebugHookConfig"] = {"CollectionConfigurations": [], **hook.as_asked()}
    if config := request.profiler_config:
        defaults = {"ProfilingIntervalInMilliseconds": 500, "DisableProfiler": False}
        shown["ProfilerConfig"] = {**defaults, **config.as_asked()}
    for kind, rules in (
        ("Debug", request.debug_rule_configurations),
        ("Profiler", request.profiler_rule_configurations),
    ):
        if rules:
            shown[f"{kind}RuleConfigurations"] = [rule.as_asked() for rule in rules]
            shown[f"{kind}RuleEvaluationStatuses"] = [
                {
                    "RuleConfigurationName": rule.rule_configuration_name,
                    "RuleEvaluationStatus": "Error",
                    "StatusDetails": "Preflight does not evaluate rules: no processing job ran for this one.",
                    "LastModifiedTime": moment,
                }
                for rule in rules
            ]
    return shown


def _require_rules(member: str, rules: Iterable[RuleConfiguration], rule_action: RefusedCase) -> None:
    names = [rule.rule_configuration_name for rule in rules]
    if len(set(names)) < len(names):
        raise ValidationException(guessed(f"Rule configuration names in {member} must be unique."))
    for rule in rules:
        if "action_json" in rule.rule_parameters:
            raise rule_action.error(rule.rule_configuration_name)
