"""What asynchronous endpoints tell their SNS topics: that a result is there, that a request failed, that they can.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.hosting.async_config import Places
from preflight.sagemaker.hosting.async_request import AsyncRequest
from preflight.sagemaker.hosting.request import AsyncInferenceNotificationConfig
from preflight.sagemaker.serving.reply import Reply

LOG = logging.getLogger(__name__)

MAX_INCLUDED_BYTES = 128 * 1024
_EVENT = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}


class Notices:
    """To the topics of ``config``, as the role that ``services`` act as."""

    def __init__(self, services: Clients, config: AsyncInferenceNotificationConfig) -> None:
        self._services, self._config = services, config

    def completed(self, request: AsyncRequest, places: Places, reply: Reply) -> bool:
        """Tell of a result. Whether all went well: a notice that fails fails no request."""
        response = {"contentType": _content_type(reply), "outputLocation": str(places.output)}
        event = {
            **_beginning(request, "Completed"),
            "requestParameters": _parameters(request),
            "responseParameters": response,
            **self._included("SUCCESS_NOTIFICATION_TOPIC", reply),
        }
        return self._publish(self._config.success_topic, request, event)

    def failed(self, request: AsyncRequest, places: Places, reason: str, reply: Reply | None) -> bool:
        """Tell of a failure; ``reply`` is what the model answered, if it did."""
        location = {"failureLocation": str(places.failure)} if places.failure else {}
        event = {
            **_beginning(request, "Failed"),
            "failureReason": reason,
            "requestParameters": _parameters(request),
            **location,
            **self._included("ERROR_NOTIFICATION_TOPIC", reply),
        }
        return self._publish(self._config.error_topic, request, event)

    def test(self, scope: Scope) -> None:
        """What CreateEndpoint and its updates send, to find out whether notices arrive."""
        for topic in {self._config.success_topic, self._config.error_topic} - {None}:
            self._send(str(topic), scope, {**_EVENT, "eventName": "TestNotification"})

    def _included(self, topic: str, reply: Reply | None) -> dict[str, Any]:
        is_asked = topic in self._config.include_inference_response_in
        if reply is None or not is_asked or len(reply.body) > MAX_INCLUDED_BYTES:
            return {}
        return {"responseBody": {"content": base64.b64encode(reply.body).decode(), "encoding": "BASE64"}}

    def _publish(self, topic: str | None, request: AsyncRequest, event: Mapping[str, Any]) -> bool:
        if topic is None:
            return True
        return self._send(
            topic,
            request.scope,
            {**event, "inferenceId": request.inference_id, **_EVENT, "eventName": "InferenceResult"},
        )

    def _send(self, topic: str, scope: Scope, event: Mapping[str, Any]) -> bool:
        try:
            self._services.client("sns", scope).publish(TopicArn=topic, Message=json.dumps(event))
        except (ClientError, BotoCoreError) as error:
            LOG.warning("A notice could not be published to %s: %s", topic, error)
            return False
        return True


def _beginning(request: AsyncRequest, status: str) -> dict[str, Any]:
    return {
        "awsRegion": request.scope.region,
        "eventTime": _written(datetime.now(UTC)),
        "receivedTime": _written(request.received),
        "invocationStatus": status,
    }


def _parameters(request: AsyncRequest) -> dict[str, str]:
    """Those that the caller gave."""
    names = {"Accept": "accept", "ContentType": "contentType"}
    given = {name: str(request.members[member]) for member, name in names.items() if member in request.members}
    location = {"inputLocation": request.members["InputLocation"]} if "InputLocation" in request.members else {}
    return {**given, "endpointName": request.endpoint_name, **location}


def _content_type(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "application/octet-stream")


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
