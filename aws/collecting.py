"""Answers of an asynchronous endpoint, fetched from where the URL said they would be.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from aws.client import is_absent
from aws.errors import AwsRoomError
from aws.evaluation.answers import said_by_model
from aws.schema import Schema
from aws.target import Target

LONGEST_WAIT_SECONDS = 900  # for an endpoint that has to get its first instance; then it is worth a look

Said = tuple[Mapping[str, Any], float]


class Collector:
    """Looks into the bucket at the target's pace."""

    def __init__(self, target: Target) -> None:
        self._s3 = target.client("s3")
        self._pause_seconds = min(target.poll_seconds, 1.0)

    def collect(self, schema: Schema, places: Sequence[Said], on_answer: Callable[[], None]) -> list[Said]:
        """What the model said of each row, and the seconds from its question until the answer was seen.

        Raises:
            AwsRoomError: a row came to nothing, or nothing came in time.
        """
        begun = time.monotonic()
        waited = [(str(place["output"]), str(place["failure"]), seconds) for place, seconds in places]
        return [self._await(schema, begun, place, on_answer) for place in waited]

    def _await(
        self, schema: Schema, begun: float, place: tuple[str, str, float], on_answer: Callable[[], None]
    ) -> Said:
        output, failure, seconds = place
        while True:
            text = self._read(output)
            waited = time.monotonic() - begun
            if text is not None:
                on_answer()
                return _said(schema, text, output), seconds + waited
            if (reason := self._read(failure)) is not None:
                raise AwsRoomError(f"The endpoint could not answer a row: {reason[:500]} ({failure})")
            if waited > LONGEST_WAIT_SECONDS:
                raise AwsRoomError(
                    f"Neither {output} nor {failure} is there after {waited:.0f} s. The requests stay in the queue; "
                    "the endpoint may have no instance yet."
                )
            time.sleep(self._pause_seconds)

    def _read(self, uri: str) -> str | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return body.decode(errors="replace")


def _said(schema: Schema, text: str, place: str) -> dict[str, Any]:
    try:
        return said_by_model(schema, text)
    except (KeyError, TypeError, ValueError) as error:
        raise AwsRoomError(f"{place} holds {text[:200]!r}, which is no prediction.") from error
