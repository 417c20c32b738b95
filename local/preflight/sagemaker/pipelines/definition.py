"""The definition of a pipeline as typed objects. Its members are those that AWS's SDKs write.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-pipeline.html
"""

import functools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.pipelines.conditions import Condition
from preflight.sagemaker.pipelines.experiment import PipelineExperimentConfig
from preflight.sagemaker.pipelines.expressions import Get, parse, references
from preflight.sagemaker.pipelines.parsing import Parsed, Part, unable, unable_to_parse
from preflight.sagemaker.pipelines.retries import RetryPolicy

VERSION = "2020-12-01"
STEP_TYPES = (
    *("Processing", "Training", "Tuning", "Transform", "Model", "RegisterModel"),
    *("Lambda", "Callback", "Condition", "Fail"),
)
OTHER_STEP_TYPES = (
    *("AutoML", "QualityCheck", "ClarifyCheck", "EMR", "EMRServerless", "EndpointConfig", "Endpoint"),
    *("InferenceComponent", "Lineage", "Job", "Cleanup", "ForEach", "Athena", "HubContent", "BedrockCustomModel"),
    *("BedrockCustomModelDeployment", "BedrockProvisionedModelThroughput", "BedrockModelImport"),
)
CACHING = RefusedCase("CreatePipeline", "CacheConfig.Enabled true of a step of type Lambda or Callback")
MLFLOW = RefusedCase("CreatePipeline", "MlflowConfig in the definition")
REFUSED_TYPES = {name: RefusedCase("CreatePipeline", f"a step of type {name}") for name in OTHER_STEP_TYPES}

_DAYS_OF_A_YEAR, _DAYS_OF_A_MONTH = 365, 30
_DURATION = re.compile(
    r"P?(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-_]{1,64}$")]


def _parse_members(value: dict[str, Any]) -> dict[str, Any]:
    members = parse(value)
    if not isinstance(members, dict):
        raise ValueError(guessed("Arguments are an object, which may have expressions in it and cannot be one."))
    return members


def _nothing_if_null(value: Any) -> Any:
    return [] if value is None else value


def refuse_constant(name: str) -> None:
    """For json.loads, which reads NaN otherwise. Raises ValueError."""
    raise ValueError(f"{name} is no value of JSON.")


def parse_duration(text: Any) -> Any:
    """A duration of ISO 8601; AWS's SDK has examples in small letters, and without the P."""
    found = _DURATION.fullmatch(text.upper()) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        raise ValueError(guessed(f"{text!r} is no duration of ISO 8601, such as P30D or PT12H."))
    counts = {unit: int(count) for unit, count in found.groupdict().items() if count}
    days = counts.pop("years", 0) * _DAYS_OF_A_YEAR + counts.pop("months", 0) * _DAYS_OF_A_MONTH
    return timedelta(days=days) + timedelta(**counts)


Arguments = Annotated[dict[str, Any], AfterValidator(_parse_members)]


class Parameter(Part):
    name: Name
    type: Literal["String", "Integer", "Float", "Boolean"]
    default_value: bool | int | float | str | None = None
    enum_values: list[str] | None = None


class PropertyFile(Part):
    property_file_name: str
    output_name: str
    file_path: str


class CacheConfig(Part):
    enabled: bool = False
    expire_after: Annotated[timedelta, BeforeValidator(parse_duration)] | None = None


class BaseStep(Part):
    name: Name
    depends_on: Annotated[list[str], BeforeValidator(_nothing_if_null)] = Field(default_factory=list)
    display_name: str | None = None
    description: str | None = None

    def own_values(self) -> list[Any]:
        """What of it may hold expressions."""
        return []

    def references(self) -> Iterator[Get]:
        """What it needs to know; not what steps inside it do."""
        yield from references(self.own_values())


class RetriedStep(BaseStep):
    arguments: Arguments
    retry_policies: list[RetryPolicy] = Field(default_factory=list)

    def own_values(self) -> list[Any]:
        return [self.arguments]


class JobStep(RetriedStep):
    type: Literal["Training", "Transform", "Tuning"]
    cache_config: CacheConfig | None = None


class ProcessingStep(RetriedStep):
    type: Literal["Processing"]
    cache_config: CacheConfig | None = None
    property_files: list[PropertyFile] = Field(default_factory=list)


class ModelStep(RetriedStep):
    type: Literal["Model", "RegisterModel"]


class OutputParameter(Part):
    output_name: str
    output_type: Literal["String", "Integer", "Boolean", "Float"]


class LambdaStep(BaseStep):
    """``arguments`` are the function's event."""

    type: Literal["Lambda"]
    arguments: Arguments = Field(default_factory=dict)
    function_arn: Parsed
    output_parameters: Annotated[list[OutputParameter], BeforeValidator(_nothing_if_null)] = Field(default_factory=list)
    cache_config: CacheConfig | None = None

    def own_values(self) -> list[Any]:
        return [self.arguments, self.function_arn]


class CallbackStep(BaseStep):
    """``arguments`` go to the queue."""

    type: Literal["Callback"]
    arguments: Arguments = Field(default_factory=dict)
    sqs_queue_url: Parsed
    output_parameters: Annotated[list[OutputParameter], BeforeValidator(_nothing_if_null)] = Field(default_factory=list)
    cache_config: CacheConfig | None = None

    def own_values(self) -> list[Any]:
        return [self.arguments, self.sqs_queue_url]


class FailArguments(Part):
    error_message: Parsed


class FailStep(BaseStep):
    type: Literal["Fail"]
    arguments: FailArguments

    def own_values(self) -> list[Any]:
        return [self.arguments.error_message]


class ConditionArguments(Part):
    conditions: list[Condition]
    if_steps: "list[Step]" = Field(default_factory=list)
    else_steps: "list[Step]" = Field(default_factory=list)


class ConditionStep(BaseStep):
    type: Literal["Condition"]
    arguments: ConditionArguments

    def references(self) -> Iterator[Get]:
        for condition in self.arguments.conditions:
            yield from condition.references()


PlainStep = JobStep | ProcessingStep | ModelStep | LambdaStep | CallbackStep | FailStep
Step = Annotated[PlainStep | ConditionStep, Field(discriminator="type")]


class Definition(Part):
    """A whole pipeline."""

    version: Literal["2020-12-01"]
    metadata: dict[str, Any] | None = None
    parameters: list[Parameter] = Field(default_factory=list)
    pipeline_experiment_config: PipelineExperimentConfig | None = None
    mlflow_config: Any = None
    steps: list[Step] = Field(min_length=1)

    @classmethod
    @functools.lru_cache(maxsize=64)
    def parse(cls, text: str) -> "Definition":
        """Raises ValidationException, in AWS's words where they are known, or UnsupportedByPreflight."""
        try:
            document = json.loads(text, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise unable(guessed(f"It is not JSON: {error}")) from None
        if isinstance(document, dict):
            _require_known_types(document.get("Steps"))
        try:
            definition = cls.model_validate(document)
        except ValidationError as error:
            raise unable_to_parse(error) from None
        except RecursionError:
            raise unable(guessed("It is nested too deep.")) from None
        if definition.mlflow_config is not None:
            raise MLFLOW.error()
        _require_no_other_caching(definition.steps)
        return definition


def _require_known_types(steps: Any) -> None:
    """Raises UnsupportedByPreflight for a type of step that AWS has, ValidationException for one that nobody has."""
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict) or not isinstance(step.get("Type"), str):
            continue
        if refused := REFUSED_TYPES.get(step["Type"]):
            raise refused.error(f"step {step.get('Name')}")
        if step["Type"] not in STEP_TYPES:
            raise unable(guessed(f"Unknown step type '{step['Type']}'."))
        if isinstance(arguments := step.get("Arguments"), dict):
            _require_known_types(arguments.get("IfSteps"))
            _require_known_types(arguments.get("ElseSteps"))


def _require_no_other_caching(steps: list[PlainStep | ConditionStep]) -> None:
    """Raises UnsupportedByPreflight: AWS's documentation does not name these steps among those that it caches."""
    for step in steps:
        match step:
            case ConditionStep():
                _require_no_other_caching([*step.arguments.if_steps, *step.arguments.else_steps])
            case LambdaStep() | CallbackStep() if step.cache_config and step.cache_config.enabled:
                raise CACHING.error(f"step {step.name}")
