"""What the Lambda platform itself says: log lines around an invocation, and errors that no handler raised."""

import json
import math
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime

MEBIBYTE = 1024 * 1024
OUT_OF_MEMORY = "Runtime.OutOfMemory"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended.

    ``payload`` is the handler's result or the error object, as JSON. ``error_type`` is set when the platform had
    to end it; then the process is not used again, and ``log_line`` is what the log says about it.
    """

    payload: bytes
    is_error: bool = False
    error_type: str = ""
    log_line: str = ""

    @property
    def ends_process(self) -> bool:
        return bool(self.error_type)


def init_failed(payload: bytes) -> Outcome:
    """The module could not be loaded; ``payload`` is the runtime's own error object."""
    try:
        error_type = str(json.loads(payload)["errorType"])
    except (ValueError, TypeError, KeyError, RecursionError):  # the function has sent it, not the runtime
        return _platform_error("Runtime.Unknown", "The runtime's report of its failed init is not readable.", "")
    return Outcome(payload, is_error=True, error_type=error_type)


def timed_out(request_id: str, timeout_seconds: int) -> Outcome:
    """The handler took longer than the function's timeout."""
    words = f"Task timed out after {timeout_seconds}.00 seconds"
    log_line = f"{_timestamp()} {request_id} {words}\n"
    return _platform_error("Sandbox.Timedout", f"RequestId: {request_id} Error: {words}", log_line)


def exited(request_id: str, returncode: int) -> Outcome:
    """The process ended before it answered; ``returncode`` as in subprocess."""
    if returncode == 0:
        reason = "Runtime exited without providing a reason"
    elif returncode > 0:
        reason = f"Runtime exited with error: exit status {returncode}"
    else:
        name = signal.strsignal(-returncode) or f"signal {-returncode}"
        reason = f"Runtime exited with error: signal: {name.lower()}"
    message = f"RequestId: {request_id} Error: {reason}"
    return _platform_error("Runtime.ExitError", message, f"{message}\nRuntime.ExitError\n")


def out_of_memory(request_id: str) -> Outcome:
    """It took more memory than the function has, and was killed for it."""
    return replace(exited(request_id, -signal.SIGKILL), error_type=OUT_OF_MEMORY)


def response_too_large(max_response_bytes: int) -> Outcome:
    """The handler's result has more bytes than Lambda passes on."""
    message = f"Response payload size exceeded maximum allowed payload size ({max_response_bytes} bytes)."
    return _platform_error("Function.ResponseSizeTooLarge", message, f"{message}\n")


def start(request_id: str, version: str) -> str:
    """Return the log's first line."""
    return f"START RequestId: {request_id} Version: {version}\n"


def end(
    request_id: str,
    outcome: Outcome,
    *,
    milliseconds: float,
    memory_bytes: int,
    memory_mebibytes: int,
    init_milliseconds: float | None,
) -> str:
    """Return the log's last two lines. A cold start is billed, too (since August 2025)."""
    used_mebibytes = math.ceil(memory_bytes / MEBIBYTE)
    if outcome.error_type == OUT_OF_MEMORY:  # perhaps not by the process that was measured
        used_mebibytes = memory_mebibytes
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds + (init_milliseconds or 0))} ms",
        f"Memory Size: {memory_mebibytes} MB",
        f"Max Memory Used: {used_mebibytes} MB",
    ]
    if init_milliseconds is not None:
        parts.append(f"Init Duration: {init_milliseconds:.2f} ms")
    if outcome.error_type:
        parts.append(_status(outcome.error_type))
    return f"END RequestId: {request_id}\n" + "\t".join(parts) + "\t\n"


def init_report(milliseconds: float, error_type: str) -> str:
    """Return the line about an init phase that failed."""
    return f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: init\t{_status(error_type)}\n"


def _status(error_type: str) -> str:
    return "Status: timeout" if error_type == "Sandbox.Timedout" else f"Status: error\tError Type: {error_type}"


def _platform_error(error_type: str, message: str, log_line: str) -> Outcome:
    payload = json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":"))
    return Outcome(payload.encode(), is_error=True, error_type=error_type, log_line=log_line)


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
