"""Training on several hosts. The code is the built-in's own, which is no package where a training script runs."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "_preflight_cluster", Path(__file__).resolve().parents[2] / "xgboost_cluster.py"
)
assert _spec is not None and _spec.loader is not None
_cluster = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cluster)

rabit_run = _cluster.rabit_run
wait_hostname_resolution = _cluster.wait_hostname_resolution
Rabit = _cluster.Rabit
