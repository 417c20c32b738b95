"""AsyncRecord: an asynchronous request that has no result yet, as it outlives the stack."""

import base64
import time
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.hosting.async_config import Places
from preflight.sagemaker.hosting.async_queue import Waiting
from preflight.sagemaker.hosting.async_request import AsyncRequest
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind


class PlacesRecord(BaseModel):
    output: str
    failure: str | None


class AsyncRecord(Record):
    """``name`` is what its result is called, which no other request has."""

    endpoint_name: str
    members: dict[str, Any]
    body: str  # in base64
    inference_id: str
    places: PlacesRecord

    @property
    def is_settled(self) -> bool:
        return False

    @classmethod
    def of(cls, waiting: Waiting, arn: str) -> Self:
        request, places = waiting.request, waiting.places
        return cls(
            scope=request.scope,
            name=waiting.id,
            arn=arn,
            creation_time=request.received,
            endpoint_name=request.endpoint_name,
            members=dict(request.members),
            body=base64.b64encode(request.body).decode(),
            inference_id=request.inference_id,
            places=PlacesRecord(output=str(places.output), failure=str(places.failure) if places.failure else None),
        )

    def waiting(self) -> Waiting:
        """The request again, which has waited since it came."""
        age = (datetime.now(UTC) - self.creation_time).total_seconds()
        request = AsyncRequest(
            self.scope,
            self.endpoint_name,
            self.members,
            base64.b64decode(self.body),
            self.inference_id,
            self.creation_time,
            time.monotonic() - age,
        )
        failure = self.places.failure
        places = Places(S3Uri.parse(self.places.output), S3Uri.parse(failure) if failure else None)
        return Waiting(request, places, self.name)


def _describe(record: AsyncRecord) -> dict[str, Any]:
    return {"InferenceId": record.inference_id, "EndpointName": record.endpoint_name}


ASYNC_REQUEST: Kind[AsyncRecord] = Kind(
    record=AsyncRecord,
    arn_kind="asynchronous-inference",  # AWS has no ARN for one
    event=None,
    listing=Listing(result_key="Requests", name_key="InferenceId"),
    describe=_describe,
    summarize=_describe,
    taken=lambda arn: ValidationException(guessed(f"{arn} is there already.")),
    missing=lambda arn: ValidationException(guessed(f"Could not find {arn}.")),
)
