"""ExitMessage: what a job's containers leave in /opt/ml/output/message, whatever its end.

https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html
"""

import codecs
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from preflight.sagemaker.api.errors import guessed

MAX_BYTES = 1024


class NotUtf8(Exception):
    """The text is for FailureReason."""


def read_exit_message(host_folders: Iterable[Path]) -> str | None:
    """The hosts' messages, one after the other, cut to 1 KB; None if there is none. Raises NotUtf8."""
    message = "".join(_read(folder / "output" / "message") for folder in host_folders)
    return _decode(message.encode()) or None


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # none, or a link: what a container links to is not its message
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return _decode(file.read(MAX_BYTES + 1)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else ""


def _decode(content: bytes) -> str:
    """Its first 1 KB; a character that is cut there is left out."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content[:MAX_BYTES], final=len(content) <= MAX_BYTES)
    except UnicodeDecodeError:
        raise NotUtf8(guessed("ClientError: The file /opt/ml/output/message is not UTF-8 encoded.")) from None
