"""Log lines in the form of AWS's algorithm containers, on stdout where CloudWatch and the metric regexes see them."""

import sys
import threading
from datetime import UTC, datetime


def log(text: str, *, level: str = "INFO") -> None:
    """Prints `[MM/DD/YYYY HH:MM:SS LEVEL thread] text`."""
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{now} {level} {threading.get_ident()}] {text}", file=sys.stdout, flush=True)
