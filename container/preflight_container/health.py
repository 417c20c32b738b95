"""`python -m preflight_container.health`: Docker's health check of this container; exit code 0 if it is well.

A server is well if `/ping` answers 200. A training job has no server: it is well as long as it runs.
"""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

PING_TIMEOUT_SECONDS = 2  # SageMaker's


def is_healthy(environ: Mapping[str, str], command_line: bytes) -> bool:
    """`command_line` is the main process's, as /proc shows it: arguments that end in NUL bytes."""
    if command_line.rstrip(b"\0").endswith(b"\0train"):
        return True
    port = int(environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(os.environ, Path("/proc/1/cmdline").read_bytes()))
