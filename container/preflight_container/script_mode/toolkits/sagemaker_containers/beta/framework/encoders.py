"""Arrays to bodies and back. The code is the server's own, which is no package where a training script runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location("_preflight_codecs", Path(__file__).resolve().parents[4] / "codecs.py")
assert _spec is not None and _spec.loader is not None
_codecs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_codecs)


def encode(array_like: Any, content_type: str) -> Any:
    return _codecs.encode(array_like, content_type)


def decode(obj: Any, content_type: str) -> Any:
    return _codecs.decode(obj, content_type)


def array_to_json(array_like: Any) -> Any:
    return encode(array_like, _codecs.JSON)


def array_to_csv(array_like: Any) -> Any:
    return encode(array_like, _codecs.CSV)


def array_to_npy(array_like: Any) -> Any:
    return encode(array_like, _codecs.NPY)


def json_to_numpy(string_like: Any, dtype: Any = None) -> Any:
    return _typed(decode(string_like, _codecs.JSON), dtype)


def csv_to_numpy(string_like: Any, dtype: Any = None) -> Any:
    return _typed(decode(string_like, _codecs.CSV), dtype)


def npy_to_numpy(npy_array: Any) -> Any:
    return decode(npy_array, _codecs.NPY)


def _typed(array: Any, dtype: Any) -> Any:
    return array if dtype is None else array.astype(dtype)
