"""Where Preflight's Lambda meets LocalStack: the executor's name, and what is checked and set when the stack starts."""

from importlib.metadata import entry_points

from localstack import config
from localstack.aws import handlers
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from preflight.hosts.localstack.lambda_.requests import check_request


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
