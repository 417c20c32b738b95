"""LocalStack's contract for running a Lambda function, kept with processes instead of containers."""

import functools
import logging
import shutil
import tempfile
from collections import deque
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from preflight.hosts.localstack.lambda_.code import state_of, unpack_layers
from preflight.hosts.localstack.lambda_.environment import ExecutionEnvironment, Limits
from preflight.hosts.localstack.lambda_.folders import Folders, view_of
from preflight.hosts.localstack.lambda_.process import Event, FunctionProcess
from preflight.hosts.localstack.lambda_.report import MEBIBYTE
from preflight.hosts.localstack.lambda_.runtime import command, function_environment, runtime_of
from preflight.hosts.localstack.lambda_.telemetry import LogStream, is_stack_stopping

LOG = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
REMEMBERED_LOGS = 20


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One execution environment of one version of a function."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._logs: deque[str] = deque(maxlen=REMEMBERED_LOGS)
        self._environment: ExecutionEnvironment | None = None

    @classmethod
    def validate_environment(cls) -> bool:
        """A process needs nothing that could be missing."""
        return True

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Make what the runtime needs, and unpack the code and the layers, once for all environments.

        Raises:
            RuntimeMissing, EnvironmentProblem, CodeProblem: the function's state is Failed then, with these words.
        """
        function = function_version.config
        if environment := runtime_of(function.runtime).environment:
            environment.ensure(LOG.info)
        function.code.prepare_for_execution()
        if layers := _layers_folder(function_version):
            unpack_layers([layer.code for layer in function.layers], layers)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Remove the layers; LocalStack deletes the code."""
        if layers := _layers_folder(function_version):
            shutil.rmtree(layers, ignore_errors=True)

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process and return when it waits for work, or has failed to get there."""
        function = self.function_version.config
        runtime = runtime_of(function.runtime)
        folders = Folders(
            task=Path(function.code.get_unzipped_code_location()),
            layers=_layers_folder(self.function_version),
            temporary=Path(tempfile.mkdtemp(prefix=f"lambda-{self.id}-", dir=_temporary_root())),
        )
        view, seen = view_of(folders, runtime, temporary_mebibytes=function.ephemeral_storage.size)
        variables = function_environment(
            env_vars, user_variables=function.environment or {}, runtime=runtime, folders=seen
        )
        limits = Limits(
            timeout_seconds=function.timeout,
            memory_mebibytes=function.memory_size,
            max_response_bytes=config.LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES,
            version=self.function_version.id.qualifier,
        )
        stream = LogStream(
            role_arn=function.role,
            region=self.function_version.id.region,
            group=env_vars["AWS_LAMBDA_LOG_GROUP_NAME"],
            name=env_vars["AWS_LAMBDA_LOG_STREAM_NAME"],
        )
        self._environment = ExecutionEnvironment(
            limits,
            start_process=functools.partial(
                FunctionProcess.start,
                command(runtime, function.handler),
                variables,
                folders.task,
                view=view,
                max_memory_bytes=function.memory_size * MEBIBYTE,
            ),
            on_closed=functools.partial(_clean_up, stream, folders.temporary),
            write_log=stream.write,
            code_state=functools.partial(state_of, function.code),
            first_line=f"[Preflight] WARNING: {runtime.warning}\n" if runtime.warning else "",
        )
        self._environment.initialize()

    def stop(self) -> None:
        """End the process; an invocation that is running is still answered, unless the stack is stopping."""
        if self._environment is not None:
            self._environment.close(is_abort=is_stack_stopping())

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run the handler on LocalStack's invoke payload."""
        assert self._environment is not None
        event = Event(
            request_id=payload["invoke-id"],
            payload=payload["payload"].encode(),
            invoked_function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
        )
        outcome, log = self._environment.invoke(event)
        self._logs.append(log)
        return InvocationResult(event.request_id, outcome.payload, is_error=outcome.is_error, logs=log)

    def get_logs(self) -> str:
        """Return the logs of the last invocations."""
        return "".join(self._logs)

    def get_address(self) -> str:
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """LocalStack's own agent would call back here; there is none in a process."""
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"


def _clean_up(stream: LogStream, temporary: Path) -> None:
    stream.finish()
    shutil.rmtree(temporary, ignore_errors=True)


def _temporary_root() -> Path:
    root = Path(config.dirs.tmp)
    root.mkdir(parents=True, exist_ok=True)
    return root


def _layers_folder(function_version: FunctionVersion) -> Path | None:
    """What is /opt for this version; None if it has no layers."""
    if not function_version.config.layers:
        return None
    return _temporary_root() / "lambda-layers" / str(function_version.config.internal_revision)
