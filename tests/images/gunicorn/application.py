"""Answers with the number of lines it was trained on."""

from collections.abc import Callable, Iterable
from pathlib import Path

LINES = Path("/opt/ml/model/lines").read_text().strip()


def application(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/csv")])
    return [b"" if environ["PATH_INFO"] == "/ping" else LINES.encode()]
