"""Where Preflight's Lambda meets LocalStack: the executor's name, and what is checked and set when the stack starts."""

import os
from importlib.metadata import entry_points

from localstack import config
from localstack.aws import handlers
from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.edge import ROUTER
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from preflight import function_runtimes
from preflight.hosts.localstack.lambda_.requests import check_request

RUNTIMES_PATH = "/_preflight/runtimes"


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """The executor that runs Python functions as processes, without Docker."""

    name = "process"

    def load(self, *args: object, **kwargs: object) -> type[RuntimeExecutor]:
        from preflight.hosts.localstack.lambda_.executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor


@hooks.on_infra_start()
def prepare_lambda() -> None:
    """Refuse an executor that does not exist, for LocalStack would take Docker instead without a word."""
    known = sorted(entry_points(group=RuntimeExecutorPlugin.namespace).names)
    if config.LAMBDA_RUNTIME_EXECUTOR not in known:
        raise LocalstackExit(
            f"LAMBDA_RUNTIME_EXECUTOR is {config.LAMBDA_RUNTIME_EXECUTOR!r}; it can be {' or '.join(known)}.\n", 1
        )
    if ProcessRuntimeExecutorPlugin.name == config.LAMBDA_RUNTIME_EXECUTOR:
        handlers.serve_custom_service_request_handlers.append(check_request)
    ROUTER.add(RUNTIMES_PATH, _describe_runtimes, methods=["GET"])


def _describe_runtimes(request: Request) -> Response:
    """What ``preflight status`` says of Lambda's runtimes."""
    response = Response()
    exact = function_runtimes.require_policy(os.environ.get(function_runtimes.SETTING))
    response.set_json(function_runtimes.describe(exact=exact))
    return response
