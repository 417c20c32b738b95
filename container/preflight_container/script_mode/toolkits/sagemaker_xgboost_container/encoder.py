"""Bodies to a DMatrix. The code is the server's own, which is no package where a training script runs."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "_preflight_bodies", Path(__file__).resolve().parents[2] / "xgboost_bodies.py"
)
assert _spec is not None and _spec.loader is not None
_bodies = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bodies)

csv_to_dmatrix = _bodies.csv_to_dmatrix
libsvm_to_dmatrix = _bodies.libsvm_to_dmatrix
