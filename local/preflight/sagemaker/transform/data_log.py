"""The log of what becomes of the data: beside each instance's own, the stream that ends in ``/data-log``.

https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from datetime import UTC, datetime

from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.telemetry.logs import LogStream, LogWriter
from preflight.sagemaker.transform.failures import log_lines
from preflight.sagemaker.transform.parameters import Parameters


class DataLog:
    """Of the instance that writes to ``stream``."""

    def __init__(self, logs: LogWriter, stream: LogStream) -> None:
        self._logs = logs
        self._stream = stream.below("data-log")

    def begin(self, parameters: Parameters) -> None:
        self._write(str(parameters))

    def failed(self, uri: S3Uri, error: Exception) -> None:
        """An object has no result, for ``error``, one of OBJECT_ERRORS."""
        for line in log_lines(error):
            self._write(f"{uri.bucket}/{uri.key}: {line}")

    def _write(self, text: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self._logs.write(self._stream, f"{now}:[sagemaker logs]: {text}")
