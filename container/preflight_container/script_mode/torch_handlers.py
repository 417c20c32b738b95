"""The functions of a serving script in PyTorch's image, and the image's own for those that it does not have.

https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from preflight_container.script_mode import codecs

_MODEL_FILE = "model.pt"


class ModelLoadError(Exception):
    """The model is no TorchScript."""


class Context:
    """What a function with one argument more is given, as far as the image's toolkit uses it."""

    def __init__(self, model_folder: str) -> None:
        self.system_properties = {"model_dir": model_folder, "gpu_id": None, "batch_size": 1}


class TorchHandler:
    """A loaded model with the functions around it."""

    execution_parameters = None

    def __init__(self, module_name: str, model_folder: str) -> None:
        """Import the script, if there is one, and load its model. Raises whatever is wrong with either."""
        module = importlib.import_module(module_name) if importlib.util.find_spec(module_name) else None
        own = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn", "transform_fn")}
        if own["transform_fn"] and any(own[name] for name in ("input_fn", "predict_fn", "output_fn")):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with input_fn, predict_fn, and/or output_fn "
                "implementation"
            )
        self._context = Context(model_folder)
        self._transform = own["transform_fn"]
        self._input = own["input_fn"] or _input_fn
        self._predict = own["predict_fn"] or _predict_fn
        self._output = own["output_fn"] or _output_fn
        if prepare := getattr(module, "pre_model_fn", None):
            self._call(prepare, model_folder)
        self._model = self._call(getattr(module, "model_fn", _model_fn), model_folder)
        if warm_up := getattr(module, "model_warmup_fn", None):
            self._call(warm_up, model_folder, self._model)

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[Any, str, int]:
        """The body, its content type and the status. Whatever the functions raise goes to the caller."""
        content: Any = body.decode("utf-8") if content_type in codecs.TEXT else body
        if self._transform:
            result = self._call(self._transform, self._model, content, content_type, accept)
        else:
            data = self._call(self._input, content, content_type)
            result = self._call(self._output, self._call(self._predict, data, self._model), accept)
        content, result_type = result if isinstance(result, tuple) else (result, accept)
        if not isinstance(content, (str, bytes, bytearray)):
            content = json.dumps(content, indent=2)  # as TorchServe does
        return content, result_type, 200

    def _call(self, function: Any, *arguments: Any) -> Any:
        """With the context, if it takes one argument more."""
        wanted = len(signature(function).parameters)
        if wanted == len(arguments) + 1:
            return function(*arguments, self._context)
        if wanted != len(arguments):
            raise TypeError(f"{function.__name__} takes {wanted} arguments but {len(arguments)} were given.")
        return function(*arguments)


def _model_fn(model_dir: str) -> Any:
    import torch

    path = Path(model_dir, _MODEL_FILE)
    if not path.exists():
        files = sorted(each.name for each in Path(model_dir).iterdir() if each.suffix in (".pt", ".pth"))
        if len(files) != 1:
            raise ValueError(f"Exactly one .pth or .pt file is required for PyTorch models: {files}")
        path = Path(model_dir, files[0])
    try:
        return torch.jit.load(str(path), map_location="cpu")
    except RuntimeError as error:
        raise ModelLoadError(f"Failed to load {path}. Please ensure model is saved using torchscript.") from error


def _input_fn(data: Any, content_type: str) -> Any:
    import torch

    if content_type == codecs.CSV:
        return torch.FloatTensor(np.genfromtxt(io.StringIO(data), delimiter=","))
    array = codecs.decode(data, content_type)
    return torch.FloatTensor(array) if content_type in codecs.TEXT else torch.from_numpy(array)


def _predict_fn(data: Any, model: Any) -> Any:
    import torch

    with torch.no_grad():
        model.eval()
        return model(data)


def _output_fn(prediction: Any, accept: str) -> Any:
    import torch

    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().numpy().tolist()
    for content_type in accept.replace(" ", "").split(","):
        if content_type in (codecs.JSON, codecs.CSV, codecs.NPY):
            return codecs.encode(prediction, content_type)
    raise codecs.UnsupportedFormat(accept)
