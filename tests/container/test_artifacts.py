"""Model files: AWS's own are served as they are, and whatever else lies in the folder ends in a sentence."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from preflight_container.linear_learner.mxnet_params import dump_params

WEIGHTS = {"arg:fc0_weight": np.array([[1.0], [-1.0]], np.float32), "arg:fc0_bias": np.array([[0.0]], np.float32)}
PARAMS = {"threshold": 0.7, "loss_type": "logistic", "predictor_type": "binary_classifier", "metrics_params": {}}


def linear_learner_file(params=PARAMS, weights=WEIGHTS, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("additional-params.json", params if isinstance(params, str) else json.dumps(params))
        archive.writestr("mx-mod-0000.params", weights if isinstance(weights, bytes) else dump_params(weights))
    return buffer.getvalue()


def load(folder, algorithm, name, content):
    """What the server says when it cannot load the file."""
    (folder / "model").mkdir()
    (folder / "model" / name).write_bytes(content)
    settings = {"SAGEMAKER_BASE_DIR": str(folder), "PREFLIGHT_ALGORITHM": algorithm, "SAGEMAKER_BIND_TO_PORT": "1"}
    command = [sys.executable, "-m", "preflight_container", "serve"]
    run = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, timeout=60, text=True)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    return run.stderr


WIDE = {**WEIGHTS, "arg:fc0_weight": np.ones((2, 2), np.float32)}
ENDLESS = {**WEIGHTS, "arg:fc0_bias": np.array([[np.nan]], np.float32)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (linear_learner_file(compression=zipfile.ZIP_DEFLATED), "its member additional-params.json is compressed"),
        (linear_learner_file(params={**PARAMS, "predictor_type": "clusterer"}), "unknown predictor_type 'clusterer'"),
        (linear_learner_file(params="[" * 100_000), "recursion"),
        (linear_learner_file(weights=WIDE), "weights of shape (2, 2) make no binary_classifier"),
        (linear_learner_file(weights=ENDLESS), "a weight, a bias or the threshold is not a number"),
        (linear_learner_file(weights=dump_params(WEIGHTS)[:-30]), "the file ends too early"),
        (linear_learner_file(weights={"arg:fc0_weight": WEIGHTS["arg:fc0_weight"][:0]}), "weights of shape (0, 1)"),
        (linear_learner_file()[:-40], "is not a Linear Learner model"),
    ],
    ids=lambda each: each if isinstance(each, str) else "file",  # not the file's bytes, which hold the time
)
def test_a_damaged_linear_learner_model_is_named(tmp_path, content, message):
    assert message in load(tmp_path, "linear-learner", "model_algo-1", content)


def test_a_pickled_model_is_not_unpickled(tmp_path):
    bomb = b"\x80\x04cos\nsystem\n(S'touch unpickled'\ntR."
    assert "Preflight does not unpickle" in load(tmp_path, "xgboost", "xgboost-model", bomb)


def test_a_model_that_crashes_the_library_is_named(tmp_path, xgboost_run):
    content = (xgboost_run.model / "xgboost-model").read_bytes()
    at = content.index(b"left_children") + len(b"left_children[$l#L") + 8
    damaged = content[:at] + b"\x7f\xff\xff\x00" + content[at + 4 :]
    assert "is damaged: xgboost" in load(tmp_path, "xgboost", "xgboost-model", damaged)
