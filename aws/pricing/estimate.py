"""What a deployment costs: one training run, each hour and month that it stands there, and the traffic on top.

https://aws.amazon.com/sagemaker/pricing/ has how SageMaker bills: instances by the second while they exist,
serverless endpoints by the second of work.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from aws.config import DeploySettings
from aws.pricing.prices import PriceTable

HOURS_PER_MONTH = 730
GB = 1e9
SERVERLESS_MEMORY_MB = 2048

When = Literal["once", "idle", "traffic", "batch", "pipeline", "preparation"]


@dataclass(frozen=True)
class Usage:
    """The traffic to price: requests in a month, and what one of them takes."""

    requests: int = 100_000
    model_ms: float = 20  # the model's own time
    request_bytes: int = 2_000  # one passenger as JSON
    answer_bytes: int = 200
    log_bytes: int = 400  # Lambda's START, END and REPORT lines
    capture_bytes: int = 400  # around what is captured of a request: types, id, time
    training_minutes: float = 5  # from the instance's start to the upload
    batch_minutes: float = 5  # of a transform job, likewise
    stored_gb: float = 0.05  # data and models


@dataclass(frozen=True)
class Hosting:
    """The options of deploy that change the price. ``serverless_mb``: of a serverless endpoint, if it is one.

    ``autoscale`` is the fewest and the most instances: while idle there are the fewest.
    """

    serverless_mb: int | None = None
    capture: bool = False
    asynchronous: bool = False
    autoscale: tuple[int, int] | None = None


@dataclass(frozen=True)
class Line:
    """One item of the bill. ``when``: once, in every month even if idle, in a month with the traffic given, or for
    each batch, run of the pipeline or preparation."""

    what: str
    how: str
    usd: float
    when: When


@dataclass(frozen=True)
class Estimate:
    """All lines, and what they add up to in US dollars."""

    lines: tuple[Line, ...]

    def total(self, *when: When) -> float:
        return sum(line.usd for line in self.lines if line.when in when)

    @property
    def once(self) -> float:
        return self.total("once")

    @property
    def batch(self) -> float:
        """Each `aws/predict.py --batch`."""
        return self.total("batch")

    @property
    def idle_month(self) -> float:
        """A month without a request."""
        return self.total("idle")

    @property
    def idle_hour(self) -> float:
        return self.idle_month / HOURS_PER_MONTH

    @property
    def month(self) -> float:
        """A month with the traffic given."""
        return self.total("idle", "traffic")


def estimate(
    settings: DeploySettings,
    usage: Usage,
    prices: PriceTable,
    hosting: Hosting = Hosting(),
    *,
    trials: int = 1,
) -> Estimate:
    """Price the deployment that ``settings`` describe, hosted in this way.

    ``trials`` are the training jobs of a run of the pipeline.

    Raises:
        InputError: the table has no price of an instance type; the sentence says how to read it from AWS.
    """
    if hosting.serverless_mb is None:
        count = hosting.autoscale[0] if hosting.autoscale else settings.endpoint.instance_count
        endpoint = _instances(settings, usage, prices, count)
    else:
        endpoint = _serverless(usage, prices, hosting.serverless_mb)
    front, batch = _front(settings, usage, prices), _batch(settings, usage, prices)
    more: list[Line] = []
    if hosting.capture:
        more += _capture(settings, usage, prices)
    if hosting.asynchronous:
        more += _asynchronous(usage, prices)
    if hosting.autoscale:
        more += _alarms(prices, 2 if hosting.autoscale[0] else 3)
    return Estimate(
        (
            *(*_training(settings, usage, prices), *endpoint, *front, *more, *batch),
            *_pipeline(settings, usage, prices, trials),
        )
    )


def most_in_a_month(settings: DeploySettings, usage: Usage, prices: PriceTable, hosting: Hosting) -> float:
    """A month of the given traffic in which an endpoint that scales has its most instances all the time."""
    assert hosting.autoscale
    high = hosting.autoscale[1]
    return estimate(settings, usage, prices, replace(hosting, autoscale=(high, high))).month


def break_even_requests(settings: DeploySettings, usage: Usage, prices: PriceTable, serverless_mb: int) -> int:
    """Requests in a month up to which a serverless endpoint of this memory is the cheaper one."""
    instances = estimate(settings, usage, prices).idle_month - _storage(usage, prices)
    one = Usage(**{**vars(usage), "requests": 1})
    per_request = _sum(_serverless(one, prices, serverless_mb)) - _sum(
        line for line in _instances(settings, one, prices, settings.endpoint.instance_count) if line.when == "traffic"
    )
    return int(instances / per_request)


def _sum(lines: Iterable[Line]) -> float:
    return sum(line.usd for line in lines)


def _training(settings: DeploySettings, usage: Usage, prices: PriceTable) -> Iterator[Line]:
    machine, hours = settings.training, usage.training_minutes / 60
    hourly = prices[f"training.{machine.instance_type}"].usd
    how = f"{machine.instance_count} x {machine.instance_type}, {usage.training_minutes:g} min at ${hourly:g}/h"
    volume = machine.volume_gb * hours / HOURS_PER_MONTH * prices["training.volume"].usd
    yield Line("Training run", how, machine.instance_count * (hours * hourly + volume), "once")


def _batch(settings: DeploySettings, usage: Usage, prices: PriceTable) -> Iterator[Line]:
    machine = settings.batch
    hourly = prices[f"transform.{machine.instance_type}"].usd
    how = f"{machine.instance_count} x {machine.instance_type}, {usage.batch_minutes:g} min at ${hourly:g}/h"
    yield Line("Batch transform", how, machine.instance_count * usage.batch_minutes / 60 * hourly, "batch")


def _pipeline(settings: DeploySettings, usage: Usage, prices: PriceTable, trials: int) -> Iterator[Line]:
    """Two processing jobs, the training jobs, a transform job."""
    machine, hours = settings.pipeline, usage.batch_minutes / 60
    jobs = trials * _sum(_training(settings, usage, prices)) + _sum(_batch(settings, usage, prices))
    processing = 2 * hours * prices[f"processing.{machine.instance_type}"].usd
    training = "training" if trials == 1 else f"{trials} training jobs"
    how = f"{training}, transform, 2 jobs on {machine.instance_type}, {usage.batch_minutes:g} min each"
    yield Line("Pipeline run", how, jobs + processing, "pipeline")


def preparation(settings: DeploySettings, usage: Usage, prices: PriceTable, instances: int) -> Line:
    """Two processing jobs, each on as many machines."""
    machine = settings.prepare
    hourly = prices[f"processing.{machine.instance_type}"].usd
    how = f"2 jobs on {instances} x {machine.instance_type}, {usage.batch_minutes:g} min each at ${hourly:g}/h"
    return Line("Preparation", how, 2 * instances * usage.batch_minutes / 60 * hourly, "preparation")


def _instances(settings: DeploySettings, usage: Usage, prices: PriceTable, count: int) -> Iterator[Line]:
    machine = settings.endpoint
    hourly = prices[f"hosting.{machine.instance_type}"].usd
    how = f"{count} x {machine.instance_type} at ${hourly:g}/h, {HOURS_PER_MONTH} h, requests or not"
    yield Line("Endpoint", how, count * hourly * HOURS_PER_MONTH, "idle")
    yield Line(
        "Endpoint data", f"{_gigabytes(usage):.2f} GB", _gigabytes(usage) * prices["hosting.data"].usd, "traffic"
    )


def _serverless(usage: Usage, prices: PriceTable, memory_mb: int) -> Iterator[Line]:
    seconds = usage.requests * usage.model_ms / 1000
    how = f"{memory_mb} MB for {usage.model_ms:g} ms a request; nothing while idle"
    yield Line("Serverless endpoint", how, seconds * memory_mb / 1024 * prices["serverless.compute"].usd, "traffic")
    yield Line(
        "Endpoint data", f"{_gigabytes(usage):.2f} GB", _gigabytes(usage) * prices["serverless.data"].usd, "traffic"
    )


def _front(settings: DeploySettings, usage: Usage, prices: PriceTable) -> Iterator[Line]:
    """API, function, logs and the bucket."""
    memory_gb = settings.function.memory_mb / 1024
    seconds = usage.requests * (usage.model_ms + 10) / 1000  # the function waits for the model
    logs_gb = usage.requests * usage.log_bytes / GB
    out_gb = usage.requests * usage.answer_bytes / GB
    count = f"{usage.requests:,} requests"
    yield Line("API Gateway", count, usage.requests * prices["api.requests"].usd, "traffic")
    yield Line(
        "Lambda",
        f"{count}, {settings.function.memory_mb} MB",
        usage.requests * prices["lambda.requests"].usd + seconds * memory_gb * prices["lambda.compute"].usd,
        "traffic",
    )
    logs = logs_gb * (prices["logs.ingested"].usd + prices["logs.stored"].usd)
    yield Line("Logs", f"{logs_gb:.2f} GB written and kept", logs, "traffic")
    yield Line("Data out", f"{out_gb:.2f} GB", out_gb * prices["transfer.out"].usd, "traffic")
    yield Line("S3", f"{usage.stored_gb:g} GB kept", _storage(usage, prices), "idle")


def _capture(settings: DeploySettings, usage: Usage, prices: PriceTable) -> Iterator[Line]:
    """A file a minute of each instance, while requests come; what a month writes is kept."""
    files = min(usage.requests, settings.endpoint.instance_count * HOURS_PER_MONTH * 60)
    gigabytes = usage.requests * (usage.request_bytes + usage.answer_bytes + usage.capture_bytes) / GB
    how = f"{gigabytes:.2f} GB more each month in {files:,} files"
    yield Line("Data capture", how, files * prices["s3.put"].usd + gigabytes * prices["s3.storage"].usd, "traffic")


def _asynchronous(usage: Usage, prices: PriceTable) -> Iterator[Line]:
    """Each request is an object, and its answer another; what a month writes is kept."""
    usd = 2 * usage.requests * prices["s3.put"].usd + _gigabytes(usage) * prices["s3.storage"].usd
    yield Line("Questions, answers", f"{2 * usage.requests:,} objects more each month", usd, "traffic")


def _alarms(prices: PriceTable, count: int) -> Iterator[Line]:
    yield Line("Alarms of scaling", f"{count} alarms", count * prices["cloudwatch.alarm"].usd, "idle")


def _storage(usage: Usage, prices: PriceTable) -> float:
    return usage.stored_gb * prices["s3.storage"].usd


def _gigabytes(usage: Usage) -> float:
    """Through the endpoint, both ways."""
    return usage.requests * (usage.request_bytes + usage.answer_bytes) / GB
