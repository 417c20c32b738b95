"""XGBoost's ``xgboost-model``, where it is the library's own UBJSON or JSON: from 1.3 on, in no case a pickle.

https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aws.evaluation.models import ubjson

FILE_NAME = "xgboost-model"


def total_gain(content: bytes) -> Counter[int]:
    """By how much the splits on each feature lowered the loss, all trees together, by the feature's place.

    Raises:
        ValueError: it is no such file, or not of trees.
    """
    document = _document(content)
    gain: Counter[int] = Counter()
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        for feature, child, change in zip(
            tree["split_indices"], tree["left_children"], tree["loss_changes"], strict=True
        ):
            if child != -1:  # a leaf splits nothing
                gain[int(feature)] += change
    return gain


def _document(content: bytes) -> Mapping[str, Any]:
    if content.startswith(b"{L"):
        return ubjson.loads(content)
    if content.startswith(b"{"):
        document: Mapping[str, Any] = json.loads(content)
        return document
    raise ValueError(f"{FILE_NAME} is neither UBJSON nor JSON")
