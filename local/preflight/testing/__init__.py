"""A stack for the tests of your own application, in Docker or as a process.

With pytest, name ``preflight.testing.fixtures`` in ``pytest_plugins``; without, use one of these as a context manager.
docs/kit.md shows both.
"""

from preflight.testing.container import StackContainer
from preflight.testing.handle import StackHandle, StackUnavailable
from preflight.testing.process import StackProcess

__all__ = ["StackContainer", "StackHandle", "StackProcess", "StackUnavailable"]
