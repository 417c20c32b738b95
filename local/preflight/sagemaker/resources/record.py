"""Record: what is known of one resource, as plain data that can be written down and read back."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from preflight.sagemaker.api.scope import Scope


class Record(BaseModel):
    """One resource of one account and region. It changes under the resources' lock only.

    ``model_dump_json(exclude_unset=True, by_alias=True)`` writes it down whole; ``model_validate_json`` reads it back.
    """

    scope: Scope
    name: str
    arn: str
    creation_time: datetime = Field(default_factory=lambda: datetime.now(UTC))
