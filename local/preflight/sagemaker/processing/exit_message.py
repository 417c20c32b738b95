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
    """Nothing of what is no file: neither a link nor a FIFO is a message."""
    try:
        with open(path, "rb", opener=_open_file) as file:
            return _decode(file.read(MAX_BYTES + 1))
    except OSError:
        return ""


def _open_file(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no file.")
    return descriptor


def _decode(content: bytes) -> str:
    """Its first 1 KB; a character that is cut there is left out."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content[:MAX_BYTES], final=len(content) <= MAX_BYTES)
    except UnicodeDecodeError:
        raise NotUtf8(guessed("ClientError: The file /opt/ml/output/message is not UTF-8 encoded.")) from None
