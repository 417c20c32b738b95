"""Keeping: what a request may have changed is written a moment later, and everything at the end.

A service is written down while no request changes it, as a whole, in the place of what was written before.
"""

import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Response
from localstack.services.plugins import SERVICE_PLUGINS

from preflight.hosts.localstack import storage
from preflight.hosts.localstack.state import containers, pickling
from preflight.hosts.localstack.state.folder import StateFolder

LOG = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
LARGEST_SHARE = 0.1  # of the time: a large state is written less often
LONGEST_PAUSE_SECONDS = 30.0
RETRY_SECONDS = 5.0  # after what could not be written
PATIENCE_SECONDS = 0.3  # for requests under way, and of requests for us
ATTEMPTS = 3

_READS = ("Get", "Head", "List", "Describe", "Lookup", "Invoke", "Query", "Simulate", "Test", "Validate")
_WAITS = ("ReceiveMessage",)  # for up to 20 s, and changes little


class Gate:
    """Lets requests through, or the one who writes down what they change."""

    def __init__(self) -> None:
        self._inside = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def enter(self) -> None:
        """Wait, but not for long, while it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed, 2 * PATIENCE_SECONDS)
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody enters meanwhile; who is inside has a moment to leave."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._inside, PATIENCE_SECONDS)
        try:
            yield
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()


class Keeper:
    """Writes into ``folder`` what LocalStack's services hold."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self.seconds: dict[str, float] = {}  # that each service's last save took
        self.problems: dict[str, str] = {}  # services whose changes cannot be written, and why
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)
        self._changed: set[str] = set()
        self._has_changed = threading.Event()
        self._is_over = threading.Event()
        self._own_requests = threading.local()  # requests that a request makes pass: it would wait for itself
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._live, name="keep-state", daemon=True)

    def start(self) -> None:
        """Write down from now on what changes."""
        self._thread.start()

    def close(self) -> None:
        """Write down what there is now, and no more after that."""
        self._is_over.set()
        self._has_changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self.save([name for name in SERVICE_PLUGINS.list_available() if SERVICE_PLUGINS.is_running(name)])

    def before_request(self, chain: HandlerChain, context: RequestContext, response: Response) -> None:
        """A handler of LocalStack's: a request that may change something waits while its service is written down."""
        if not _may_change(context):
            return
        depth = getattr(self._own_requests, "depth", 0)
        self._own_requests.depth = depth + 1
        context.preflight_gate = gate = self._gates[context.service.service_name]
        if not depth and context.operation.name not in _WAITS:
            gate.enter()
            context.preflight_is_inside = True

    def after_request(self, chain: HandlerChain, context: RequestContext, response: Response) -> None:
        """A finalizer of LocalStack's."""
        gate = getattr(context, "preflight_gate", None)
        if gate is None:
            return
        self._own_requests.depth -= 1
        if getattr(context, "preflight_is_inside", False):
            gate.leave()
        self._changed.add(context.service.service_name)
        self._has_changed.set()

    def save(self, services: list[str]) -> None:
        """Write down what ``services`` hold now; what cannot be written is said, and what was written before stays."""
        with self._one_at_a_time:
            for name in services:
                started = time.monotonic()
                try:
                    self._save(name)
                except Exception as error:
                    self._note(name, error)
                else:
                    self.seconds[name] = time.monotonic() - started
                    self.problems.pop(name, None)

    def _note(self, name: str, error: Exception) -> None:
        """It is said once, and tried again."""
        problem = f"What changed in {name} is not kept: {error}"
        if self.problems.get(name) != problem:
            LOG.warning("%s", problem, exc_info=LOG.isEnabledFor(logging.DEBUG))
        self.problems[name] = problem
        self._changed.add(name)
        self._has_changed.set()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written meanwhile, and nothing of what has changed before afterwards."""
        with self._one_at_a_time:
            yield
            self._changed.clear()

    def _live(self) -> None:
        pause = INTERVAL_SECONDS
        while self._has_changed.wait() and not self._is_over.wait(pause):
            self._has_changed.clear()
            changed, self._changed = self._changed, set()
            started = time.monotonic()
            self.save(sorted(changed))
            pause = min(max(INTERVAL_SECONDS, (time.monotonic() - started) / LARGEST_SHARE), LONGEST_PAUSE_SECONDS)
            if self.problems:
                pause = max(pause, RETRY_SECONDS)

    def _save(self, name: str) -> None:
        service = SERVICE_PLUGINS.get_service(name)
        if service is None or not SERVICE_PLUGINS.is_running(name):
            return
        with self._gates[name].closed():
            pickled = {key: _pickled(container) for key, container in containers.containers_of(service).items()}
            replaced = storage.objects().replaced() if name == "s3" else []
        if name == "s3":
            storage.objects().sync()  # its store speaks of them
        for key, content in pickled.items():
            self._folder.write(name, key, content)
        for path in replaced:
            path.unlink(missing_ok=True)


def _pickled(container: containers.Container) -> bytes:
    """What it holds; something may change it that is no request."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(RuntimeError):
            return pickling.dumps(containers.content_of(container))
    return pickling.dumps(containers.content_of(container))


def _may_change(context: RequestContext) -> bool:
    if context.service is None or context.operation is None:
        return False
    return context.service.service_name == "sts" or not context.operation.name.startswith(_READS)
