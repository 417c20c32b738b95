"""A stack for the tests of your own application, in Docker or as a process.

With pytest, name ``local.testing.fixtures`` in ``pytest_plugins``; without, use one of these as a context manager.
Needs ``pip install "preflight[testing]"``.
"""

from local.testing.container import StackContainer
from local.testing.handle import StackHandle, StackUnavailable
from local.testing.process import StackProcess

__all__ = ["StackContainer", "StackHandle", "StackProcess", "StackUnavailable"]
