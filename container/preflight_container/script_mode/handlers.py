"""The functions of a serving script, and the container's own for those that it does not have.

https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from preflight_container.script_mode import codecs


class HandlerError(Exception):
    """The script's functions cannot serve; the text is AWS's where it has one."""


class Handler:
    """A loaded model with the functions around it."""

    def __init__(self, module_name: str, framework: str, model_folder: str) -> None:
        """Import the script and load its model. Raises HandlerError, and whatever the script raises."""
        module = importlib.import_module(module_name)
        own = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn", "transform_fn")}
        if own["transform_fn"] and any(own[name] for name in ("input_fn", "predict_fn", "output_fn")):
            raise HandlerError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
        model_fn = getattr(module, "model_fn", _no_model_fn)
        is_xgboost = framework == "xgboost"
        self._transform = own["transform_fn"]
        self._input = own["input_fn"] or (_xgboost_input_fn if is_xgboost else _sklearn_input_fn)
        self._predict = own["predict_fn"] or (_xgboost_predict_fn if is_xgboost else _sklearn_predict_fn)
        self._output = own["output_fn"] or _output_fn
        self.execution_parameters: Callable[[], Any] | None = (
            None if is_xgboost else getattr(module, "execution_parameters_fn", None)
        )
        self._model = model_fn(model_folder)

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[Any, str, int]:
        """The body, its content type and the status. Whatever the functions raise goes to the caller."""
        content: Any = body.decode("utf-8") if content_type in codecs.TEXT else body
        if self._transform:
            result = self._transform(self._model, content, content_type, accept)
        else:
            result = self._output(self._predict(self._input(content, content_type), self._model), accept)
        return as_answer(result)


def as_answer(result: Any) -> tuple[Any, str, int]:
    """What a function returned, as Flask would send it: a tuple names its type, a bare body is a page."""
    if isinstance(result, tuple):
        return result[0], result[1], 200
    if hasattr(result, "get_data"):  # a response of Flask's, or of the toolkit's
        return result.get_data(), result.mimetype, result.status_code
    return result, "text/html", 200


def _no_model_fn(model_dir: str) -> Any:
    raise NotImplementedError(
        "\nPlease provide a model_fn implementation.\n"
        "See documentation for model_fn at https://github.com/aws/sagemaker-python-sdk\n"
    )


def _sklearn_input_fn(data: Any, content_type: str) -> Any:
    array = codecs.decode(data, content_type)
    return array.astype("float32") if content_type in codecs.TEXT else array


def _sklearn_predict_fn(data: Any, model: Any) -> Any:
    return model.predict(data)


def _xgboost_input_fn(data: Any, content_type: str) -> Any:
    from preflight_container.script_mode import recordio, xgboost_bodies

    name = content_type.partition(";")[0].strip()  # the type's parameters are passed over
    if name == codecs.CSV:
        return xgboost_bodies.csv_to_dmatrix(data)
    if name in ("text/libsvm", "text/x-libsvm"):
        return xgboost_bodies.libsvm_to_dmatrix(data)
    if name == "application/x-recordio-protobuf":
        return recordio.recordio_to_dmatrix(data)
    raise codecs.UnsupportedFormat(content_type)


def _xgboost_predict_fn(data: Any, model: Any) -> Any:
    return model.predict(data, validate_features=False)


def _output_fn(prediction: Any, accept: str) -> tuple[Any, str]:
    return codecs.encode(prediction, accept), accept
