"""EndpointRecord: all that is known of one endpoint, its fleets and their variants."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from preflight.sagemaker.hosting.endpoint_config import EndpointConfigRecord
from preflight.sagemaker.hosting.request import DeploymentConfig, ProductionVariant, ServerlessConfig
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.serving.model import ModelRecord


class VariantStatus(BaseModel):
    """What is being done to a variant, and since when."""

    status: str
    start_time: datetime
    message: str = ""


class VariantRecord(BaseModel):
    """A production variant as it runs; ``request`` is what its configuration asks for. ``count`` instances serve."""

    request: ProductionVariant
    model: ModelRecord
    is_shadow: bool = False
    weight: float
    desired_weight: float
    count: int = 0
    desired_count: int
    serverless: ServerlessConfig | None
    desired_serverless: ServerlessConfig | None
    status: VariantStatus | None = None
    resolution_time: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, request: ProductionVariant, model: ModelRecord, *, is_shadow: bool = False) -> "VariantRecord":
        """One that is yet to start."""
        weight, serverless = request.initial_variant_weight, request.serverless_config
        return cls(
            request=request,
            model=model,
            is_shadow=is_shadow,
            weight=weight,
            desired_weight=weight,
            desired_count=request.initial_instance_count or 1,
            serverless=serverless,
            desired_serverless=serverless,
        )

    @property
    def name(self) -> str:
        return self.request.variant_name

    def set_status(self, status: str | None, message: str = "") -> None:
        """``Creating``, ``Updating``, ``ActivatingTraffic``, ``Baking`` or ``Deleting``; None when nothing changes.

        The messages speak of instances: a serverless variant has none.
        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html has AWS's words.
        """
        said = message if self.serverless is None else ""
        self.status = VariantStatus(status=status, start_time=datetime.now(UTC), message=said) if status else None


class FleetRecord(BaseModel):
    """What serves, or is to serve, under one configuration, which may be deleted meanwhile; a shadow comes last."""

    config: EndpointConfigRecord
    variants: list[VariantRecord]
    since: datetime = Field(default_factory=lambda: datetime.now(UTC))


class EndpointRecord(Record):
    """States: see live_endpoint.py. ``pending`` is the fleet that is to take over from ``fleet``."""

    config_name: str
    status: str = "Creating"
    failure_reason: str | None = None
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))
    deployment_config: DeploymentConfig = DeploymentConfig()
    fleet: FleetRecord | None = None
    pending: FleetRecord | None = None

    @property
    def is_settled(self) -> bool:
        return self.pending is None and self.status == ("InService" if self.fleet else "Failed")

    @property
    def variants(self) -> list[VariantRecord]:
        """All that run or are about to, of every fleet."""
        return [variant for fleet in (self.fleet, self.pending) if fleet for variant in fleet.variants]
