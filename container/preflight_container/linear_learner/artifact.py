"""The file `model_algo-1` as AWS's Linear Learner writes it: a ZIP of stored members around an MXNet module.

No multiclass artifact of AWS is publicly known; ours has the same members, fc0_weight (features, classes) and
fc0_bias (1, classes) and a SoftmaxOutput, which is the nearest form.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from preflight_container.errors import ModelError
from preflight_container.linear_learner.hyperparameters import LOSSES, MULTICLASS, REGRESSOR
from preflight_container.linear_learner.model import LinearModel
from preflight_container.linear_learner.mxnet_params import dump_params, load_params

FILE_NAME = "model_algo-1"

_MANIFEST = {"additional-params.json": "json", "mx-mod": "mxnet_module", "version": 1}
_OUTPUTS = {"logistic": "LogisticRegressionOutput", "softmax_loss": "SoftmaxOutput"}
_MXNET_VERSION = 10301

# What zipfile, json and the reading of the members raise on bytes that are something else.
UNREADABLE = (
    zipfile.BadZipFile,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    RuntimeError,
)


def save_model(model: LinearModel, folder: Path) -> None:
    """Writes the model's file into the folder."""
    members: dict[str, str | bytes] = {
        "additional-params.json": json.dumps(_additional_params(model)),
        "manifest.json": json.dumps(_MANIFEST),
        "mx-mod-symbol.json": json.dumps(_symbol(model), indent=2),
        "mx-mod-0000.params": dump_params({"arg:fc0_bias": model.bias.reshape(1, -1), "arg:fc0_weight": model.weights}),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    (folder / FILE_NAME).write_bytes(buffer.getvalue())


def load_model(folder: Path) -> LinearModel:
    """The model in a folder, trained here or on AWS.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise ModelError(f"There is no {FILE_NAME} in the model directory.")
    try:
        with zipfile.ZipFile(path) as archive:
            params = json.loads(_member(archive, "additional-params.json"))
            arrays = load_params(_member(archive, "mx-mod-0000.params"))
        return _model(params, arrays)
    except UNREADABLE as error:
        raise ModelError(f"{FILE_NAME} is not a Linear Learner model: {error}") from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member as AWS stores it. What is compressed is not read: it could be of any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"its member {name} is compressed")
    return archive.read(name)


def _model(params: dict[str, Any], arrays: dict[str, Any]) -> LinearModel:
    predictor_type, loss, threshold = params["predictor_type"], params["loss_type"], params.get("threshold")
    if predictor_type not in LOSSES or not isinstance(loss, str):
        raise ValueError(f"unknown predictor_type {predictor_type!r} or loss_type {loss!r}")
    weights = arrays["arg:fc0_weight"]
    if weights.ndim != 2 or not weights.size or (predictor_type != MULTICLASS and weights.shape[1] != 1):
        raise ValueError(f"weights of shape {weights.shape} make no {predictor_type}")
    bias = arrays.get("arg:fc0_bias", np.zeros(weights.shape[1], np.float32)).reshape(-1)
    if weights.shape[1] != len(bias):
        raise ValueError(f"weights {weights.shape} and bias {bias.shape} do not go together")
    if not (np.isfinite(weights).all() and np.isfinite(bias).all() and np.isfinite(float(threshold or 0))):
        raise ValueError("a weight, a bias or the threshold is not a number")
    return LinearModel(
        weights=weights,
        bias=bias,
        predictor_type=predictor_type,
        loss=loss,
        threshold=None if threshold is None else float(threshold),
        metrics_params=params.get("metrics_params") or {},
    )


def _additional_params(model: LinearModel) -> dict[str, Any]:
    f_beta = None if model.predictor_type == REGRESSOR else model.metrics_params.get("f_beta")
    return {
        "threshold": model.threshold,
        "loss_type": model.loss,
        "predictor_type": model.predictor_type,
        "metrics_params": {**model.metrics_params, "threshold": model.threshold, "f_beta": f_beta},
    }


def _symbol(model: LinearModel) -> dict[str, Any]:
    """The graph: out(broadcast_add(dot(data, fc0_weight), fc0_bias), out_label)."""
    features, outputs = model.weights.shape
    output = _OUTPUTS.get(model.loss, "LinearRegressionOutput")
    label = "softmax_label" if model.predictor_type == MULTICLASS else "out_label"
    nodes: list[dict[str, Any]] = [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "null", "name": "fc0_weight", "attrs": {"__shape__": f"({features}, {outputs})"}, "inputs": []},
        {"op": "dot", "name": "dot0", "inputs": [[0, 0, 0], [1, 0, 0]]},
        {
            "op": "null",
            "name": "fc0_bias",
            "attrs": {"__lr_mult__": "10", "__shape__": f"(1, {outputs})"},
            "inputs": [],
        },
        {"op": "broadcast_add", "name": "broadcast_add0", "inputs": [[2, 0, 0], [3, 0, 0]]},
        {"op": "null", "name": label, "inputs": []},
        {"op": output, "name": label.removesuffix("_label"), "inputs": [[4, 0, 0], [5, 0, 0]]},
    ]
    return {
        "nodes": nodes,
        "arg_nodes": [0, 1, 3, 5],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[6, 0, 0]],
        "attrs": {"mxnet_version": ["int", _MXNET_VERSION]},
    }
