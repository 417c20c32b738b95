"""The file `xgboost-model`, as AWS's image of the job's tag writes it, so that scripts of that age can read it.

Since 1.3 it is the library's own format; before, a pickled Booster. Libraries before 3.1 read a model of today's with
another intercept than it has, or not at all: they are given what they know, as JSON.
https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

import copyreg
import io
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
_SNAPSHOTS: Version = (1, 0)
_OWN_FORMAT: Version = (1, 3)
_PROTOCOL = 3  # the newest of those images' Pythons
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
    document = _of_old(json.loads(booster.save_raw("json")), version)
    if version >= _OWN_FORMAT:
        return json.dumps(document).encode()
    file = io.BytesIO()
    _BoosterPickler(file, document, version).dump(booster)
    return file.getvalue()


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


class _BoosterPickler(pickle.Pickler):
    """Pickles a Booster so that libraries of its age and newer ones take up ``document``, which is its model.

    From 1.0 to 1.2 as they do it themselves. Their successors do not read what older ones pickle, but all make a
    Booster of a model alone.
    """

    def __init__(self, file: io.BytesIO, document: dict[str, Any], version: Version) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._document = document
        self._version = version

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, xgboost.Booster):
            return NotImplemented
        model = old_format.from_json(self._document, self._version[0])
        if self._version < _SNAPSHOTS:
            return xgboost.Booster, (None, (), bytearray(model))
        state = {
            "handle": bytearray(old_format.snapshot(model, self._document["learner"])),
            "feature_names": None,
            "feature_types": None,
            "booster": self._document["learner"]["gradient_booster"]["name"],
        }
        return copyreg.__newobj__, (xgboost.Booster,), state  # type: ignore[attr-defined]


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
