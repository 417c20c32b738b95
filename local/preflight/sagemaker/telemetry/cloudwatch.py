"""Metrics to CloudWatch, in the background: what was measured between two writes becomes one statistic set.

Namespaces, names, units and dimensions: "Amazon SageMaker AI metrics in Amazon CloudWatch" in the developer guide.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError

from preflight.background import BackgroundWriter
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients

LOG = logging.getLogger(__name__)
WRITE_INTERVAL_SECONDS = 5.0
MAX_BATCH_MEASUREMENTS = 50_000
MAX_QUEUED_MEASUREMENTS = 200_000
METRICS_PER_CALL = 500  # PutMetricData takes 1,000


class Source(NamedTuple):
    """What a metric is about: the dimensions of a namespace, of one account and region.

    ``role_arn`` is the role that writes it; empty: SageMaker itself does.
    """

    scope: Scope
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    role_arn: str = ""


class Measurement(Protocol):
    """Something measured at one ``moment`` (epoch seconds)."""

    @property
    def moment(self) -> float: ...

    def source(self) -> Source: ...

    def values(self) -> Iterable[tuple[str, str, float]]:
        """Metric, unit, value."""


class InvocationMeasurement(NamedTuple):
    """One request that reached a variant. ``model_status`` is the container's HTTP status, 0 without an answer."""

    moment: float
    scope: Scope
    endpoint_name: str
    variant_name: str
    instance_count: int
    model_status: int
    model_seconds: float
    total_seconds: float

    def source(self) -> Source:
        dimensions = (("EndpointName", self.endpoint_name), ("VariantName", self.variant_name))
        return Source(self.scope, "AWS/SageMaker", dimensions)

    def values(self) -> Iterable[tuple[str, str, float]]:
        return (
            ("Invocations", "None", 1),
            ("InvocationsPerInstance", "None", 1 / max(1, self.instance_count)),
            ("Invocation4XXErrors", "None", 400 <= self.model_status < 500),
            ("Invocation5XXErrors", "None", 500 <= self.model_status < 600),
            ("InvocationModelErrors", "None", not 200 <= self.model_status < 300),
            ("ModelLatency", "Microseconds", self.model_seconds * 1e6),
            ("OverheadLatency", "Microseconds", (self.total_seconds - self.model_seconds) * 1e6),
        )


class ConcurrencyMeasurement(NamedTuple):
    """A request that a serverless variant takes: how many ``executions`` there are with it, of how many at most.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
    """

    moment: float
    scope: Scope
    endpoint_name: str
    variant_name: str
    executions: int
    most: int
    provisioned: int | None

    def source(self) -> Source:
        dimensions = (("EndpointName", self.endpoint_name), ("VariantName", self.variant_name))
        return Source(self.scope, "AWS/SageMaker", dimensions)

    def values(self) -> Iterable[tuple[str, str, float]]:
        yield "ServerlessConcurrentExecutionsUtilization", "None", self.executions / self.most
        if self.provisioned:
            is_provisioned, of_provisioned = self.executions <= self.provisioned, "ServerlessProvisionedConcurrency"
            yield f"{of_provisioned}Executions", "Count", self.executions
            yield f"{of_provisioned}Utilization", "None", self.executions / self.provisioned
            yield f"{of_provisioned}Invocations", "Count", is_provisioned
            yield f"{of_provisioned}SpilloverInvocations", "Count", not is_provisioned


class TrainingMeasurement(NamedTuple):
    """One value of an algorithm's metric, read off a training job's log."""

    moment: float
    scope: Scope
    job_name: str
    role_arn: str
    metric_name: str
    value: float

    def source(self) -> Source:
        dimensions = (("TrainingJobName", self.job_name),)
        return Source(self.scope, "/aws/sagemaker/TrainingJobs", dimensions, self.role_arn)

    def values(self) -> Iterable[tuple[str, str, float]]:
        return ((self.metric_name, "None", self.value),)


class UtilizationMeasurement(NamedTuple):
    """What one instance uses, in percent; CPU of one core. ``disk`` is None where AWS does not tell it."""

    moment: float
    about: Source
    cpu: float
    memory: float
    disk: float | None

    def source(self) -> Source:
        return self.about

    def values(self) -> Iterable[tuple[str, str, float]]:
        yield "CPUUtilization", "Percent", self.cpu
        yield "MemoryUtilization", "Percent", self.memory
        if self.disk is not None:
            yield "DiskUtilization", "Percent", self.disk


@dataclass
class _Statistics:
    count: int = 0
    total: float = 0.0
    smallest: float = float("inf")
    largest: float = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.smallest = min(self.smallest, value)
        self.largest = max(self.largest, value)


class MetricWriter:
    """Takes measurements and writes them to CloudWatch."""

    def __init__(self, services: Clients) -> None:
        self._services = services
        self._writer: BackgroundWriter[Measurement] = BackgroundWriter(
            "CloudWatch",
            self._write,
            interval_seconds=WRITE_INTERVAL_SECONDS,
            max_batch=MAX_BATCH_MEASUREMENTS,
            max_queued=MAX_QUEUED_MEASUREMENTS,
        )
        self.put = self._writer.put
        self.flush = self._writer.flush
        self.close = self._writer.close

    def training_metric(self, scope: Scope, job_name: str, role_arn: str, metric_name: str, value: float) -> None:
        self.put(TrainingMeasurement(time.time(), scope, job_name, role_arn, metric_name, value))

    def _write(self, measurements: list[Measurement]) -> None:
        by_second: dict[tuple[Source, int], dict[tuple[str, str], _Statistics]] = defaultdict(
            lambda: defaultdict(_Statistics)
        )
        for measurement in measurements:
            statistics = by_second[measurement.source(), int(measurement.moment)]
            for name, unit, value in measurement.values():
                statistics[name, unit].add(value)
        by_call: dict[tuple[Scope, str, str], list[dict[str, Any]]] = defaultdict(list)
        for (source, second), metrics in by_second.items():
            by_call[source.scope, source.namespace, source.role_arn] += _metric_data(source, second, metrics)
        for (scope, namespace, role_arn), data in by_call.items():
            try:
                self._put(scope, namespace, role_arn, data)
            except ClientError as error:  # of one role, say, that may not
                LOG.warning("Metrics of %s could not be written: %s", namespace, error)

    def _put(self, scope: Scope, namespace: str, role_arn: str, data: list[dict[str, Any]]) -> None:
        services = self._services.acting_as(role_arn, scope) if role_arn else self._services
        client = services.client("cloudwatch", scope)
        for start in range(0, len(data), METRICS_PER_CALL):
            client.put_metric_data(Namespace=namespace, MetricData=data[start : start + METRICS_PER_CALL])


def _metric_data(
    source: Source, second: int, metrics: Mapping[tuple[str, str], _Statistics]
) -> Iterable[dict[str, Any]]:
    for (name, unit), statistics in metrics.items():
        yield {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in source.dimensions],
            "Timestamp": datetime.fromtimestamp(second, UTC),
            "Unit": unit,
            "StatisticValues": {
                "SampleCount": statistics.count,
                "Sum": statistics.total,
                "Minimum": statistics.smallest,
                "Maximum": statistics.largest,
            },
        }
