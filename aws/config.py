"""The ``[deploy]`` section of preflight.toml, checked in full before the first call is made."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from aws.errors import InputError

DEFAULT_PATH = Path("preflight.toml")
# Short enough for every name made of it: a bucket's 63 characters are the tightest.
ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
Hyperparameter = str | int | float | bool


def _from_low_to_high(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] >= ends[1]:
        raise ValueError("the first number must be below the second")
    return ends


Range = Annotated[tuple[int, int] | tuple[float, float], AfterValidator(_from_low_to_high)]


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingSettings(Section):
    """The machine of the training job. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html"""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: int = Field(default=1, ge=1)
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_seconds: int = Field(default=3600, ge=60, le=28 * 24 * 3600)


class EndpointSettings(Section):
    """The machine of the endpoint's one variant."""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: int = Field(default=1, ge=1)


class ScalingSettings(Section):
    """What each instance is to have with ``--autoscale``: calls a minute; with ``--async``, requests in the queue."""

    invocations_per_instance: float = Field(default=3000, gt=0)
    backlog_per_instance: float = Field(default=5, gt=0)


class ServerlessSettings(Section):
    """The endpoint's one variant with ``--serverless``.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html
    """

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: int = Field(default=5, ge=1, le=200)


class BatchSettings(Section):
    """The machines of a batch transform job. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html"""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: int = Field(default=1, ge=1)


class PipelineSettings(Section):
    """The pipeline: the machine of its processing jobs, and what a model must reach to be registered."""

    instance_type: InstanceType = "ml.m5.large"
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_seconds: int = Field(default=3600, ge=1, le=5 * 24 * 3600)
    least_accuracy: float = Field(default=0.8, ge=0, le=1)


class TuningSettings(Section):
    """The tuning of ``aws/pipeline.py --tune``: its training jobs, how many run at once, and what they try.

    ``ranges`` is by algorithm: a hyperparameter's lowest and highest value, whole numbers or not.
    """

    jobs: int = Field(default=6, ge=1, le=750)
    parallel: int = Field(default=2, ge=1, le=100)
    ranges: dict[str, dict[str, Range]] = {}


class PrepareSettings(Section):
    """Each of the machines of `aws/prepare.py`. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html"""

    instance_type: InstanceType = "ml.m5.large"
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_seconds: int = Field(default=3600, ge=1, le=5 * 24 * 3600)


class ContainerSettings(Section):
    """The image of ``--algorithm container``: which of its two algorithms it runs."""

    algorithm: Literal["linear-learner", "xgboost"] = "linear-learner"


class FunctionSettings(Section):
    """The Lambda function between the API and the endpoint."""

    memory_mb: int = Field(default=256, ge=128, le=10240)
    timeout_seconds: int = Field(default=20, ge=1, le=29)  # API Gateway gives up after 29 s


class ApiSettings(Section):
    """The REST API: its URL ends in ``/<stage>/<path>``. All callers together are held to the rate.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
    """

    stage: str = Field(default="prod", pattern=r"^[A-Za-z0-9_-]{1,128}$")
    path: str = Field(default="predict", pattern=r"^[A-Za-z0-9._-]+$")
    requests_per_second: float = Field(default=50, gt=0, le=10_000)
    burst: int = Field(default=100, ge=1, le=5_000)


class DeploySettings(Section):
    """What ``[deploy]`` says. ``hyperparameters`` is by algorithm; values go to SageMaker as text."""

    name: ProjectName = "preflight"
    region: str | None = None
    account: AccountId | None = None
    bucket: BucketName | None = None
    training: TrainingSettings = TrainingSettings()
    endpoint: EndpointSettings = EndpointSettings()
    scaling: ScalingSettings = ScalingSettings()
    serverless: ServerlessSettings = ServerlessSettings()
    batch: BatchSettings = BatchSettings()
    container: ContainerSettings = ContainerSettings()
    pipeline: PipelineSettings = PipelineSettings()
    tuning: TuningSettings = TuningSettings()
    prepare: PrepareSettings = PrepareSettings()
    function: FunctionSettings = FunctionSettings()
    api: ApiSettings = ApiSettings()
    log_days: LogDays = 30
    hyperparameters: dict[str, dict[str, Hyperparameter]] = {}


class _File(Section):
    data: dict[str, Any] = {}  # data_prep checks its own section
    deploy: DeploySettings = DeploySettings()


def load_settings(path: Path) -> DeploySettings:
    """Read and check a preflight.toml. Raises ``InputError`` with one sentence that names the key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Run from the project folder, or give --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    try:
        return _File.model_validate(document).deploy
    except ValidationError as error:
        raise InputError(f"{path}: {_first_mistake(error)}") from error


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors()[0]
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        return f"there is no setting {key}."
    return f"{key} = {mistake['input']!r}: {mistake['msg'].lower()}."
