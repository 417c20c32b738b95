"""Log lines in the form of AWS's algorithm containers, on stdout where CloudWatch and the metric regexes see them."""

import sys
import threading
import time
from datetime import UTC, datetime

PROGRESS_SECONDS = 3.0


def log(text: str, *, level: str = "INFO") -> None:
    """Prints `[MM/DD/YYYY HH:MM:SS LEVEL thread] text`."""
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{now} {level} {threading.get_ident()}] {text}", file=sys.stdout, flush=True)


class Progress:
    """Logs how far a long step is, but not at every call."""

    def __init__(self) -> None:
        self._reported = time.monotonic()

    def report(self, text: str) -> None:
        """Logs the text if the last one was a few seconds ago."""
        if time.monotonic() - self._reported > PROGRESS_SECONDS:
            self._reported = time.monotonic()
            log(text)
