"""XGBoost's binary format, in which AWS's images up to 1.7-1 leave models, and which libraries since 3.1 do not read.

https://github.com/dmlc/xgboost/blob/v1.7.6/src/learner.cc (and gbm/, tree/): structures as they lie in memory.
"""

import json
import math
from typing import Any

import numpy as np
import xgboost

_MAGIC = b"binf"  # before a file; not before what a pickle holds
_SNAPSHOT = b"CONFIG-offset:"  # pickled by 1.0 and 1.1: the length of the model, the model, its configuration
_SAVED_PARAMETER = "SAVED_PARAM_"  # attributes that are the library's own
_HIGHEST_BIT = np.uint32(1 << 31)
_NOBODY = 0x7FFFFFFF  # the parent of a root
_LOGISTIC = ("binary:logistic", "reg:logistic", "binary:logitraw")
_LOGARITHMIC = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox")
_LEARNER = np.dtype(
    [
        ("base_score", "<f4"),
        ("num_feature", "<u4"),
        ("num_class", "<i4"),
        ("attributes", "<i4"),
        ("metrics", "<i4"),
        ("major", "<u4"),
        ("rest", "V112"),
    ]
)
_TREES = np.dtype(
    [
        ("num_trees", "<i4"),
        ("num_parallel_tree", "<i4"),
        ("num_feature", "<i4"),
        ("between", "V12"),
        ("num_output_group", "<i4"),
        ("rest", "V132"),
    ]
)
_TREE = np.dtype(
    [
        ("roots", "<i4"),
        ("num_nodes", "<i4"),
        ("num_deleted", "<i4"),
        ("depth", "<i4"),
        ("num_feature", "<i4"),
        ("size_leaf_vector", "<i4"),
        ("rest", "V124"),
    ]
)
_NODE = np.dtype([("parent", "<u4"), ("left", "<i4"), ("right", "<i4"), ("split", "<u4"), ("value", "<f4")])
_STATISTICS = np.dtype([("gain", "<f4"), ("hessian", "<f4"), ("weight", "<f4"), ("leaves", "<i4")])
_LINEAR = np.dtype([("num_feature", "<u4"), ("num_class", "<i4"), ("rest", "V128")])


class NotOldFormat(ValueError):
    """The bytes are no model in this format."""


def from_json(document: dict[str, Any], major: int) -> bytes:
    """The model of a document as the library's version ``major`` (0 or 1) has it in what it pickles."""
    learner = document["learner"]
    about, objective = learner["learner_model_param"], learner["objective"]["name"]
    booster, classes = learner["gradient_booster"], int(about["num_class"])
    base_score, features = float(about["base_score"]), int(about["num_feature"])
    head = np.zeros(1, _LEARNER)
    head["base_score"] = base_score if major else _margin(objective, base_score)
    for name, number in {"num_feature": features, "num_class": classes, "attributes": 1, "major": major}.items():
        head[name] = number
    parts = [head.tobytes(), _text(objective), _text(booster["name"])]
    if booster["name"] == "gblinear":
        linear = np.zeros(1, _LINEAR)
        linear["num_feature"], linear["num_class"] = features, max(classes, 1)
        parts += [linear.tobytes(), _numbers(booster["model"]["weights"])]
    else:
        parts += _trees(booster.get("gbtree", booster)["model"], features, max(classes, 1))
        parts += [_numbers(booster["weight_drop"])] if booster["name"] == "dart" else []
    attributes = learner["attributes"]
    parts += [len(attributes).to_bytes(8, "little"), *(_text(word) for pair in attributes.items() for word in pair)]
    if objective == "count:poisson":
        parts.append(_text(learner["objective"]["poisson_regression_param"]["max_delta_step"]))
    return b"".join(parts)


def snapshot(model: bytes, learner: dict[str, Any]) -> bytes:
    """``model`` with as much of a configuration as the library takes up: the rest are its defaults."""
    booster = learner["gradient_booster"]["name"]
    trees = {"name": "gbtree", "gbtree_train_param": {}, "specified_updater": False, "updater": {}}
    updater: dict[str, Any] = {"linear_train_param": {}, "coordinate_param": {}}
    boosters = {
        "gbtree": trees,
        "dart": {"name": "dart", "gbtree": trees, "dart_train_param": {}},
        "gblinear": {"name": "gblinear", "gblinear_train_param": {}, "updater": updater},
    }
    configuration = {
        "learner": {
            "generic_param": {},
            "gradient_booster": boosters[booster],
            "learner_model_param": learner["learner_model_param"],
            "learner_train_param": {"booster": booster, "objective": learner["objective"]["name"]},
            "metrics": [],
            "objective": learner["objective"],
        },
        "version": [1, 0, 1],
    }
    return _SNAPSHOT + len(model).to_bytes(8, "little") + model + json.dumps(configuration).encode()


def _trees(model: dict[str, Any], features: int, groups: int) -> list[bytes]:
    head = np.zeros(1, _TREES)
    head["num_trees"], head["num_parallel_tree"] = len(model["trees"]), 1
    head["num_feature"], head["num_output_group"] = features, groups
    parts = [head.tobytes()]
    for tree in model["trees"]:
        about = np.zeros(1, _TREE)
        about["roots"], about["num_feature"] = 1, features
        about["num_nodes"], about["num_deleted"] = len(tree["parents"]), int(tree["tree_param"]["num_deleted"])
        nodes, statistics = np.zeros(len(tree["parents"]), _NODE), np.zeros(len(tree["parents"]), _STATISTICS)
        parents, left = np.array(tree["parents"], np.uint32), tree["left_children"]
        is_left = np.zeros(len(parents), np.uint32)
        is_left[[child for child in left if child >= 0]] = 1
        nodes["parent"] = np.where(parents == _NOBODY, np.uint32(0xFFFFFFFF), parents | (is_left << 31))
        nodes["left"], nodes["right"] = left, tree["right_children"]
        nodes["split"] = np.array(tree["split_indices"], np.uint32) | (np.array(tree["default_left"], np.uint32) << 31)
        nodes["value"] = tree["split_conditions"]
        statistics["gain"], statistics["hessian"] = tree["loss_changes"], tree["sum_hessian"]
        statistics["weight"] = tree["base_weights"]
        parts += [about.tobytes(), nodes.tobytes(), statistics.tobytes()]
    return [*parts, np.array(model["tree_info"], "<i4").tobytes()]


def _text(text: str) -> bytes:
    content = text.encode()
    return len(content).to_bytes(8, "little") + content


def _numbers(numbers: list[float]) -> bytes:
    return len(numbers).to_bytes(8, "little") + np.array(numbers, "<f4").tobytes()


def to_json(content: bytes) -> bytes:
    """The same model as a document that every library since 1.0 reads.

    Raises:
        NotOldFormat: it is not one, or damaged.
    """
    reader = _Reader(content)
    if content.startswith(_SNAPSHOT):
        reader.skip(len(_SNAPSHOT) + 8)
    elif content.startswith(_MAGIC):
        reader.skip(len(_MAGIC))
    about = reader.one(_LEARNER)
    objective, booster = reader.text(), reader.text()
    classes = max(int(about["num_class"]), 0)
    document = _empty_document(objective, classes)
    learner = document["learner"]
    learner["gradient_booster"] = _gradient_booster(reader, booster, max(classes, 1))
    attributes = [(reader.text(), reader.text()) for _ in range(reader.count())] if about["attributes"] else []
    learner["attributes"] = {name: value for name, value in attributes if not name.startswith(_SAVED_PARAMETER)}
    learner["feature_names"], learner["feature_types"] = [], []
    base_score = float(about["base_score"])
    learner["learner_model_param"] |= {
        "base_score": repr(base_score if about["major"] else _outcome(objective, base_score)),
        "num_feature": str(about["num_feature"]),
        "num_class": str(classes),
    }
    document["version"] = [1, 7, 6]
    return json.dumps(document).encode()


def _empty_document(objective: str, classes: int) -> dict[str, Any]:
    """As the library here writes a model of no trees: with what it wants to know of the objective."""
    parameters = {"objective": objective, **({"num_class": classes} if classes else {})}
    try:
        empty = xgboost.train(parameters, xgboost.DMatrix(np.zeros((1, 1)), label=[0]), num_boost_round=0)
    except xgboost.core.XGBoostError as error:
        raise NotOldFormat(f"no objective {objective!r}") from error
    document: dict[str, Any] = json.loads(empty.save_raw("json"))
    return document


def _outcome(objective: str, margin: float) -> float:
    """Before 1.0 the model holds the intercept as a margin."""
    if objective in _LOGISTIC:
        return 1 / (1 + math.exp(-margin))
    return math.exp(margin) if objective in _LOGARITHMIC else margin


def _margin(objective: str, outcome: float) -> float:
    if objective in _LOGISTIC:
        return math.log(outcome / (1 - outcome))
    return math.log(outcome) if objective in _LOGARITHMIC else outcome


def _gradient_booster(reader: "_Reader", booster: str, groups: int) -> dict[str, Any]:
    if booster == "gblinear":
        reader.one(_LINEAR)
        weights = reader.many(np.dtype("<f4"), reader.count())
        return {"name": booster, "model": {"weights": weights.tolist(), "boosted_rounds": 0}}
    if booster not in ("gbtree", "dart"):
        raise NotOldFormat(f"no booster {booster!r}")
    about = reader.one(_TREES)
    count = int(about["num_trees"])
    trees = [_tree(reader, number) for number in range(count)]
    model = {
        "gbtree_model_param": {"num_trees": str(count), "num_parallel_tree": str(max(about["num_parallel_tree"], 1))},
        "trees": trees,
        "tree_info": reader.many(np.dtype("<i4"), count).tolist(),
        "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
    }
    model["iteration_indptr"] = _rounds(count, groups * max(int(about["num_parallel_tree"]), 1))
    tree_booster = {"name": "gbtree", "model": model}
    if booster == "gbtree":
        return tree_booster
    weights = reader.many(np.dtype("<f4"), reader.count()) if count else np.zeros(0)
    return {"name": booster, "gbtree": tree_booster, "weight_drop": weights.tolist()}


def _rounds(trees: int, of_a_round: int) -> list[int]:
    return [*range(0, trees, of_a_round), trees]


def _tree(reader: "_Reader", number: int) -> dict[str, Any]:
    about = reader.one(_TREE)
    nodes = reader.many(_NODE, int(about["num_nodes"]))
    statistics = reader.many(_STATISTICS, len(nodes))
    if about["size_leaf_vector"] > 1:
        reader.many(np.dtype("<f4"), reader.count())
    return {
        "id": number,
        "tree_param": {
            **{name: str(about[name]) for name in ("num_nodes", "num_deleted", "num_feature")},
            "size_leaf_vector": "1",
        },
        "left_children": nodes["left"].tolist(),
        "right_children": nodes["right"].tolist(),
        "parents": (nodes["parent"] & ~_HIGHEST_BIT).tolist(),
        "split_indices": (nodes["split"] & ~_HIGHEST_BIT).tolist(),
        "default_left": (nodes["split"] >> 31).tolist(),
        "split_conditions": nodes["value"].tolist(),
        "split_type": [0] * len(nodes),
        "base_weights": statistics["weight"].tolist(),
        "loss_changes": statistics["gain"].tolist(),
        "sum_hessian": statistics["hessian"].tolist(),
        **{name: [] for name in ("categories", "categories_nodes", "categories_segments", "categories_sizes")},
    }


class _Reader:
    """What lies one after the other; never more than is there. Each method raises NotOldFormat."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def skip(self, size: int) -> bytes:
        skipped = self._content[self._place : self._place + size]
        if size < 0 or len(skipped) < size:
            raise NotOldFormat("it ends too early")
        self._place += size
        return skipped

    def many(self, kind: "np.dtype[Any]", count: int) -> "np.ndarray[Any, Any]":
        return np.frombuffer(self.skip(kind.itemsize * count), kind)

    def one(self, kind: "np.dtype[Any]") -> Any:
        return self.many(kind, 1)[0]

    def count(self) -> int:
        return int.from_bytes(self.skip(8), "little")

    def text(self) -> str:
        try:
            return self.skip(self.count()).decode()
        except UnicodeDecodeError as error:
            raise NotOldFormat("it holds no text where one belongs") from error
