"""Makes ``LAMBDA_RUNTIME_EXECUTOR=process`` known to LocalStack."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """The executor that runs Python functions as processes, without Docker."""

    name = "process"

    def load(self, *args: object, **kwargs: object) -> type[RuntimeExecutor]:
        from local.localstack.lambda_executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor
