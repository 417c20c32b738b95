"""What SageMaker still has to store while the stack stops.

LocalStack refuses every request from the moment on at which it begins to stop, so what an endpoint has captured, and is
stored when it ends, would be lost.
"""

from collections.abc import Iterator

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.aws.handlers.internal import RuntimeShutdownHandler
from localstack.http import Response
from localstack.runtime import events
from localstack.utils.patch import Patch

from preflight.sagemaker.aws.clients import USER_AGENT


def patches() -> Iterator[Patch]:
    """Let SageMaker's own requests pass until everything has stopped."""
    refuse = RuntimeShutdownHandler.__call__

    def look(handler: RuntimeShutdownHandler, chain: HandlerChain, context: RequestContext, response: Response) -> None:
        is_own = USER_AGENT in context.request.headers.get("User-Agent", "")
        if not is_own or events.infra_stopped.is_set():
            refuse(handler, chain, context, response)

    yield Patch(RuntimeShutdownHandler, "__call__", look)
