"""What a function prints, as far as a stack keeps it."""

import io

EVENT_LIMIT_BYTES = 256 * 1024  # of one event of CloudWatch Logs: a longer line is cut
OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024  # of one invocation; AWS has no limit, but it does not keep logs in memory


class Output:
    """The output of one invocation: the first of it up to the limit, and a line about what is left out."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._taken_bytes = 0
        self._line_bytes = 0  # of the line that is not at its end yet
        self._cut_bytes = 0  # of lines that are too long
        self._dropped_bytes = 0  # of what is beyond the limit

    def add(self, piece: bytes) -> None:
        """Take what has been read, in pieces of any size."""
        for line in io.BytesIO(piece):
            self._add_line(line)

    def take_lines(self) -> str:
        """The whole lines that are kept so far; they are not given again."""
        lines, separator, rest = self._kept.rpartition(b"\n")
        self._kept = rest
        self._taken_bytes += len(lines) + len(separator)
        return (lines + separator).decode("utf-8", errors="replace")

    def text(self) -> str:
        """The rest of what is kept, ending with a line about each thing that is not."""
        text = self._kept.decode("utf-8", errors="replace")
        notes = []
        if self._cut_bytes:
            notes.append(f"{self._cut_bytes} bytes of lines above {EVENT_LIMIT_BYTES} bytes are cut off")
        if self._dropped_bytes:
            notes.append(f"{self._dropped_bytes} bytes above {OUTPUT_LIMIT_BYTES} of one invocation are dropped")
        if notes and text and not text.endswith("\n"):
            text += "\n"
        return text + "".join(f"[Preflight] Of this output, {note}.\n" for note in notes)

    def _add_line(self, line: bytes) -> None:
        is_end = line.endswith(b"\n")
        content = line[:-1] if is_end else line
        fitting = content[: EVENT_LIMIT_BYTES - self._line_bytes]
        self._cut_bytes += len(content) - len(fitting)
        self._line_bytes = 0 if is_end else self._line_bytes + len(fitting)
        kept = (fitting + b"\n" if is_end else fitting)[
            : max(0, OUTPUT_LIMIT_BYTES - self._taken_bytes - len(self._kept))
        ]
        self._kept += kept
        self._dropped_bytes += len(fitting) + is_end - len(kept)
