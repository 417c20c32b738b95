"""What every part of the service works with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.launching.container import Launcher
from preflight.sagemaker.launching.dispatching_launcher import DispatchingLauncher
from preflight.sagemaker.launching.metered_launcher import MeteredLauncher
from preflight.sagemaker.resources.table import Resources
from preflight.sagemaker.settings import Settings
from preflight.sagemaker.telemetry.cloudwatch import MetricWriter
from preflight.sagemaker.telemetry.events import EventWriter
from preflight.sagemaker.telemetry.logs import LogWriter


@dataclass(frozen=True)
class ServiceContext:
    settings: Settings
    resources: Resources
    services: Clients
    logs: LogWriter
    metrics: MetricWriter
    events: EventWriter
    launcher: Launcher

    @classmethod
    def create(cls, settings: Settings, launcher: Launcher | None = None) -> Self:
        services, resources = Clients(settings.endpoint_url, settings.lambda_step_seconds), Resources()
        events, metrics = EventWriter(services), MetricWriter(services)
        resources.observe(events.write)
        return cls(
            settings,
            resources,
            services,
            LogWriter(services),
            metrics,
            events,
            MeteredLauncher(launcher or DispatchingLauncher(settings), metrics),
        )

    def close(self) -> None:
        """Write nothing more: what is written to goes down with the stack."""
        for writer in (self.logs, self.metrics, self.events):
            writer.close()

    def folder(self, *parts: str) -> Path:
        """A folder of the service's own; not made yet."""
        return self.settings.state_folder.joinpath(*parts)
