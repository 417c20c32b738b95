"""A stage's execution log: what API Gateway writes of one request, as far as the stage asks for it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

LINE_LIMIT_BYTES = 1024
_CUT = " [TRUNCATED]"


class ExecutionLog:
    """The lines of one request; ``write`` gets them all when it is over."""

    def __init__(self, request_id: str, settings: Mapping[str, Any], write: Callable[[list[str]], None]) -> None:
        self._level = str(settings.get("loggingLevel") or "OFF").upper()
        self._has_data = bool(settings.get("dataTraceEnabled"))
        self._request_id = request_id
        self._lines: list[str] = []
        self._write = write

    @property
    def is_on(self) -> bool:
        return self._level in ("INFO", "ERROR")

    def info(self, line: Callable[[], str]) -> None:
        """A line of level INFO; it is made only if it is wanted."""
        if self._level == "INFO":
            self._add(line())

    def data(self, line: Callable[[], str]) -> None:
        """A line with a body or headers: only where data tracing is on, too."""
        if self._level == "INFO" and self._has_data:
            self._add(line())

    def error(self, line: str) -> None:
        """A line of either level."""
        if self.is_on and line:
            self._add(line)

    def close(self) -> None:
        """Write what was said."""
        if self._lines:
            self._write(self._lines)

    def _add(self, text: str) -> None:
        line = f"({self._request_id}) {text}"
        encoded = line.encode()
        if len(encoded) > LINE_LIMIT_BYTES:
            line = encoded[: LINE_LIMIT_BYTES - len(_CUT)].decode(errors="ignore") + _CUT
        self._lines.append(line)


def shown(members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> str:
    """A map as Java prints it: ``{a=1, b=2}``."""
    pairs = members.items() if isinstance(members, Mapping) else members
    return "{" + ", ".join(f"{name}={value}" for name, value in pairs) + "}"
