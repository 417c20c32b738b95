"""Bodies to a DMatrix. The code is the server's own, which is no package where a training script runs."""

import importlib.util
from pathlib import Path
from types import ModuleType


def _load(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[2] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_preflight_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_bodies = _load("xgboost_bodies")
csv_to_dmatrix = _bodies.csv_to_dmatrix
libsvm_to_dmatrix = _bodies.libsvm_to_dmatrix
recordio_protobuf_to_dmatrix = _load("recordio").recordio_to_dmatrix
