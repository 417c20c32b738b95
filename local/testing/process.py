"""The stack as a process of this machine: no Docker needed."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from local.sagemaker.ports import free_port
from local.stack import Stack
from local.testing.handle import StackHandle


class StackProcess(StackHandle):
    """A stack of its own on a free port, with a temporary folder; use it as a context manager."""

    def __init__(self) -> None:
        self._home: Path | None = None
        self._stack = Stack(port=free_port())

    @property
    def endpoint_url(self) -> str:
        return self._stack.endpoint_url

    def stack_log(self) -> str:
        return self._stack.log_file.read_text(errors="replace")

    def start(self) -> Self:
        """Return once the stack answers. Raises StackError with the last lines of its log."""
        self._home = Path(tempfile.mkdtemp(prefix="preflight-"))
        self._stack = Stack(port=self._stack.port, home=self._home)
        try:
            self._stack.up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it and all it started. Does nothing if it has not been started."""
        if self._home is not None:
            self._stack.down()
            shutil.rmtree(self._home)
            self._home = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
