"""What of LocalStack is mended, each mend in a module of its own that says what and why.

A mend has one function, ``patches``, which gives LocalStack's own ``Patch`` objects. All are applied at the start; if
what one of them replaces is not there, LocalStack is another than the one it was made for, and the start fails.
"""

import functools
import importlib
from collections.abc import Callable, Iterable

from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.utils.patch import Patch

MENDS = (
    "alarm_actions",
    "allowed_origins",
    "api_definitions",
    "api_management",
    "failed_functions",
    "function_code",
    "function_queues",
    "function_runtimes",
    "function_telemetry",
    "function_threads",
    "function_urls",
    "last_requests",
    "policy_documents",
    "policy_simulation",
    "serial_logs",
    "session_policies",
    "unavailable_services",
    "usage_plan_throttles",
)


@hooks.on_infra_start()
def apply_patches() -> None:
    """Apply every mend. Raises LocalstackExit with the mend's name."""
    for name in MENDS:
        apply(name, functools.partial(_patches_of, name))


def apply(name: str, patches: Callable[[], Iterable[Patch]]) -> None:
    """Apply what ``patches`` gives. Raises LocalstackExit, naming the mend, if what it replaces is gone."""
    try:
        for patch in patches():
            patch.apply()
    except (AttributeError, ImportError) as error:
        raise LocalstackExit(
            f"Preflight's mend {name!r} does not fit this LocalStack: {error}. "
            "Install the versions that preflight/hosts/localstack/requirements.txt names.\n",
            1,
        ) from error


def _patches_of(name: str) -> Iterable[Patch]:
    patches: Iterable[Patch] = importlib.import_module(f"{__name__}.{name}").patches()
    return patches
