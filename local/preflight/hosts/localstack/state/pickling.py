"""Pickles of what LocalStack and moto hold: locks come back open, and what they refer to beside it is not taken along.

dill does as much, but in Python, and restores locks that are held for ever. It is asked only for functions without a
name of their own.
"""

import functools
import io
import pickle
import sys
import threading
import types
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, cast

import dill
from localstack.services.stores import AccountRegionBundle, BaseStore
from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend

Reduce = Callable[[Any], Any]


def dumps(value: Any) -> bytes:
    """Raises whatever an object raises that cannot be pickled, or that changed meanwhile."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """The value of ``data``, of which must be known that this user's own stack wrote it: it runs code."""
    return pickle.loads(data)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        reduce = _reducer_of(cast(Hashable, type(value)))
        return reduce(value) if reduce else NotImplemented


@functools.cache
def _reducer_of(kind: Any) -> Reduce | None:
    found = next((base for base in kind.__mro__ if base in _REDUCERS), None)
    return _REDUCERS[found] if found else None


def _function(function: types.FunctionType) -> Any:
    owner: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        owner = getattr(owner, name, None)
    return NotImplemented if owner is function else (dill.loads, (dill.dumps(function),))


def _backend(backend: BaseBackend) -> Any:
    service = type(backend).__module__.split(".")[1]
    return _live_backend, (service, backend.account_id, backend.region_name)


def _live_backend(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]


def _nothing_of(value: Any) -> Any:
    raise TypeError(f"{value!r} belongs to LocalStack, not to its state.")


def _default_map(value: Any) -> Any:
    """A defaultdict whose constructor takes something else, as SSM's; a plain one knows how."""
    if type(value) is defaultdict:
        return NotImplemented
    return _new_default_map, (type(value), value.default_factory), vars(value), None, iter(value.items())


def _new_default_map(kind: Any, default_factory: Any) -> Any:
    new = kind.__new__(kind)
    defaultdict.__init__(new, default_factory)
    return new


_REDUCERS: dict[type, Reduce] = {
    type(threading.Lock()): lambda lock: (threading.Lock, ()),
    type(threading.RLock()): lambda lock: (threading.RLock, ()),
    types.FunctionType: _function,
    defaultdict: _default_map,
    BaseBackend: _backend,
    BaseStore: _nothing_of,
    AccountRegionBundle: _nothing_of,
    BackendDict: _nothing_of,
}
