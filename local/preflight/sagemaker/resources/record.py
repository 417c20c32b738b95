"""Record: what is known of one resource, as plain data that can be written down and read back."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from preflight.sagemaker.api.scope import Scope


class Record(BaseModel):
    """One resource of one account and region. It changes under the resources' lock only.

    ``keeping.py`` writes it down and reads it back, so what it consists of is plain: models, Shapes, lists, maps, text,
    numbers, times. What is added to it later needs a default, for the records that were written down without it.
    """

    scope: Scope
    name: str
    arn: str
    creation_time: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_settled(self) -> bool:
        """Whether nothing works on it, so that it is the same wherever it is taken."""
        return True
