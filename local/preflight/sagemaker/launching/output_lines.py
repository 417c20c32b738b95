"""A container's output, byte by byte as it comes, to lines."""

import logging
from collections.abc import Callable

LOG = logging.getLogger(__name__)

MAX_LINE_BYTES = 1 << 20  # a longer one is passed on in parts


class OutputLines:
    """Passes each line of one stream to ``on_line``, which may fail: reading must go on, or the container stops."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._pass_on(line)
        if len(self._rest) > MAX_LINE_BYTES:
            self.end()

    def end(self) -> None:
        """Pass on what came after the last line's end."""
        if self._rest:
            line, self._rest = self._rest, b""
            self._pass_on(line)

    def _pass_on(self, line: bytes) -> None:
        try:
            self._on_line(line.decode(errors="replace").rstrip("\r"))
        except Exception:
            LOG.exception("A line of a container's output is lost.")
