"""The file `xgboost-model`, as AWS's image of the job's tag writes it, so that scripts of that age can read it.

Since 1.3 it is the library's own format; before, a pickled Booster. Libraries before 3.1 read a model of today's with
another intercept than it has, or not at all: they are given what they know, as JSON.
https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

import json
import pickle
import pickletools
from typing import Any

import xgboost

from preflight_container.xgboost_builtin import old_format

MODEL_FILE = "xgboost-model"
PICKLE = b"\x80"
_SNAPSHOT = b'{"Config"'  # what a pickle of 1.2 holds: the model beside its configuration, in JSON

Version = tuple[int, ...]

_INTERCEPTS: Version = (3, 1)  # one for each class
_OWN_FORMAT: Version = (1, 3)
_NUMBERS_AS_FLAGS: Version = (1, 6)  # in a tree's default_left
_LEARNED_INTERCEPT: Version = (2, 0)


class ForeignPickle(Exception):
    """A pickle of something else than a Booster."""


def intercept(version: Version | None, objective: str) -> dict[str, float]:
    """The parameter that has the library start where that of ``version`` (None: today's) does."""
    if version is None or version >= _INTERCEPTS:
        return {}
    starts_at_half = version < _LEARNED_INTERCEPT or objective.startswith("multi:")
    return {"base_score": 0.5} if starts_at_half else {}


def write(booster: xgboost.Booster, version: Version | None) -> bytes:
    """The file's content for the library's ``version``; None is today's."""
    if version is None or version >= _INTERCEPTS:
        return bytes(booster.save_raw("ubj"))
    content = json.dumps(_of_old(json.loads(booster.save_raw("json")), version)).encode()
    return content if version >= _OWN_FORMAT else pickle.dumps(_Pickled(content), protocol=4)


def read(content: bytes) -> xgboost.Booster:
    """Nothing is unpickled: the model is cut out of a pickled Booster.

    Raises:
        ForeignPickle: it is a pickle of something else.
        Exception: anything, as the library does where a file is damaged.
    """
    if content.startswith(PICKLE):
        content = _model_in(content)
    booster = xgboost.Booster()
    booster.load_model(bytearray(_of_today(content)))  # as bytes: the library tells the format by the file's name
    return booster


def _of_old(model: dict[str, Any], version: Version) -> dict[str, Any]:
    learner = model["learner"]
    about = learner["learner_model_param"]
    about["base_score"] = about["base_score"].strip("[]").partition(",")[0]  # of all classes: see intercept
    model["version"] = [*max(version, _NUMBERS_AS_FLAGS), 0]  # the library of today warns of older ones
    if version < _NUMBERS_AS_FLAGS:
        for tree in _trees(learner["gradient_booster"]):
            tree["default_left"] = [bool(flag) for flag in tree["default_left"]]
    return model


def _trees(gradient_booster: dict[str, Any]) -> list[dict[str, Any]]:
    """None of a linear model; of dart they lie one level deeper."""
    inner = gradient_booster.get("gbtree", gradient_booster)
    trees: list[dict[str, Any]] = inner["model"].get("trees", [])
    return trees


class _Pickled:
    """What becomes a Booster where it is unpickled, by any version of the library."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return xgboost.core.Booster, (None, (), bytearray(self._content))


def _model_in(content: bytes) -> bytes:
    """The only bytes in a pickled Booster are its model. Raises ForeignPickle."""
    try:
        parts = [part for _, part, _ in pickletools.genops(content) if isinstance(part, bytes)]
    except ValueError as error:
        raise ForeignPickle from error
    if len(parts) != 1 or b"xgboost.core" not in content:
        raise ForeignPickle
    return parts[0]


def _of_today(content: bytes) -> bytes:
    """What the library here reads: the binary format as JSON, the model alone of a snapshot in JSON."""
    if not content.startswith(b"{"):
        return old_format.to_json(content)
    if content.startswith(_SNAPSHOT):
        return json.dumps(json.loads(content)["Model"]).encode()
    return content
