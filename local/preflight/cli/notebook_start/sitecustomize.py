"""What every Python of ``preflight exec``'s command does at its start: keep the SDKs' calls with the stack.

SageMaker's SDKs write the address of AWS's STS themselves (``account_id()``, ``get_caller_identity_arn()``), and no
variable turns it. A client that is made for an address of AWS gets the stack's here. Python imports this module because
its folder leads PYTHONPATH; the environment's own of that name, if there is one, comes after it. Any Python from 3.8 on
may run it, with any botocore or none.
"""

import functools
import importlib.util
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional  # noqa: UP035

_OF_AWS = re.compile(r"https://[a-z0-9.-]+\.amazonaws\.com(\.cn)?/?")


class _WatchForBotocore(MetaPathFinder):
    """Turns botocore's sessions as soon as they are imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:  # noqa: UP045
        if name != "botocore.session":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            turning = functools.partial(_import_and_turn, spec.loader.exec_module)
            spec.loader.exec_module = turning  # type: ignore[method-assign]
        return spec


def _import_and_turn(import_module: Callable[[ModuleType], None], module: ModuleType) -> None:
    import_module(module)
    make = module.Session.create_client

    @functools.wraps(make)
    def create_client(session: Any, *args: Any, **options: Any) -> Any:
        if _OF_AWS.fullmatch(options.get("endpoint_url") or ""):
            options["endpoint_url"] = None  # then AWS_ENDPOINT_URL tells it
        return make(session, *args, **options)

    module.Session.create_client = create_client


def _import_next() -> None:
    """The module of this name that would have been imported without this one."""
    here = Path(__file__).resolve().parent
    spec = PathFinder.find_spec("sitecustomize", [place for place in sys.path if Path(place).resolve() != here])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


sys.meta_path.insert(0, _WatchForBotocore())
_import_next()
