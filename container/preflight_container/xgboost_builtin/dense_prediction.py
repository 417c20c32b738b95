"""Prediction of dense rows by the library's own C function, without what its Python spends on finding out their type.

For one row that is most of the time. https://xgboost.readthedocs.io/en/stable/c.html (XGBoosterPredictFromDense)
"""

import ctypes
import json
import math
import threading
import weakref

import numpy as np
import xgboost
from numpy.typing import NDArray

Array = NDArray[np.float32]

_SETTINGS = json.dumps(
    {
        "type": 0,  # the value, not the margin
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,  # all trees, or those up to the best iteration
        "missing": math.nan,
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()
_LIBRARY = xgboost.core._LIB


def _require(failed: int) -> None:
    """Raises XGBoostError with what the library says."""
    if failed:
        raise xgboost.core.XGBoostError(_LIBRARY.XGBGetLastError().decode())


class _Proxy:
    """What the library takes rows by. Each that it makes for itself reads the cores' quota from files anew."""

    def __init__(self) -> None:
        self.handle = ctypes.c_void_p()
        _require(_LIBRARY.XGProxyDMatrixCreate(ctypes.byref(self.handle)))
        weakref.finalize(self, _LIBRARY.XGDMatrixFree, self.handle)


class _Own(threading.local):
    """A thread's own."""

    def __init__(self) -> None:
        self.proxy = _Proxy()


_OWN = _Own()


def predict_dense(booster: xgboost.Booster, features: Array) -> Array:
    """What ``booster.inplace_predict`` gives for rows with a column for each of the model's features.

    Raises:
        XGBoostError: they have too many columns, or the library cannot.
    """
    features = np.ascontiguousarray(features, np.float32)
    address, (rows, columns) = features.__array_interface__["data"][0], features.shape
    interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (address, rows, columns)
    shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
    values = ctypes.POINTER(ctypes.c_float)()
    _require(
        _LIBRARY.XGBoosterPredictFromDense(
            booster.handle,
            interface,
            _SETTINGS,
            _OWN.proxy.handle,
            ctypes.byref(shape),
            ctypes.byref(dimensions),
            ctypes.byref(values),
        )
    )
    if not rows:
        return np.empty(0, np.float32)
    return np.ctypeslib.as_array(values, shape[: dimensions.value]).copy()  # the library writes its next answer there
