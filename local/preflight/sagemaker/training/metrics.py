"""Training metrics read off a container's output with MetricDefinitions, and those AWS adds for its own images."""

import logging
import math
from collections.abc import Callable, Iterable

import regex

from preflight.sagemaker.training.request import MetricDefinition

LOG = logging.getLogger(__name__)

LONGEST_MATCH_SECONDS = 0.1  # an expression that takes longer is given up: it would hold up the job's log
MAX_UNROLLED_LENGTH = 100_000  # the compiler writes repetitions out: (?:a{60000}){60000} would take all memory

# SageMaker puts these in the description of a job on a built-in image, whatever the caller sent. Names and
# expressions: "Linear learner metrics" and "XGBoost metrics" in the SageMaker developer guide.
_QUALITY = r"#quality_metric: host=\S+, "


def _linear_learner() -> tuple[MetricDefinition, ...]:
    definitions = [
        ("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        ("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
        ("train:objective_loss", _QUALITY + r"epoch=\S+, train \S+_objective <loss>=(\S+)"),
        ("train:objective_loss:final", _QUALITY + r"train \S+_objective <loss>=(\S+)"),
        ("validation:objective_loss", _QUALITY + r"epoch=\S+, validation \S+_objective <loss>=(\S+)"),
        ("validation:objective_loss:final", _QUALITY + r"validation \S+_objective <loss>=(\S+)"),
        ("test:objective_loss", _QUALITY + r"test \S+_objective <loss>=(\S+)"),
    ]
    for split in ("train", "validation", "test"):
        for name, metric, kind in (
            ("binary_classification_accuracy", "binary_classification_accuracy", "score"),
            ("precision", "precision", "score"),
            ("recall", "recall", "score"),
            ("binary_f_beta", r"binary_f_\S+", "score"),
            ("mse", "mse", "loss"),
            ("absolute_loss", "absolute_loss", "loss"),
        ):
            definitions.append((f"{split}:{name}", rf"{_QUALITY}{split} {metric} <{kind}>=(\S+)"))
    for split in ("validation", "test"):
        for name, metric in (
            ("roc_auc_score", "roc_auc_score"),
            ("multiclass_accuracy", "multiclass_accuracy"),
            ("macro_precision", "macro_precision"),
            ("macro_recall", "macro_recall"),
            ("macro_f_beta", r"macro_f_\S+"),
            ("multiclass_top_k_accuracy", r"multiclass_top_k_accuracy_\S+"),
            ("dcg", "dcg"),
        ):
            definitions.append((f"{split}:{name}", rf"{_QUALITY}{split} {metric} <score>=(\S+)"))
    return tuple(MetricDefinition(name=name, regex=expression) for name, expression in definitions)


# Every metric that the built-in's eval_metric may name: descriptions of jobs on AWS list the ones their version has.
_XGBOOST_METRICS = (
    *("accuracy", "aft-nloglik", "auc", "aucpr", "balanced_accuracy", "cox-nloglik", "error", "f1", "f1_binary"),
    *("f1_macro", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "map", "mape"),
    *("merror", "mlogloss", "mphe", "mse", "ndcg", "poisson-nloglik", "precision", "precision_macro"),
    *("precision_micro", "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle", "tweedie-nloglik"),
)
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def _xgboost() -> tuple[MetricDefinition, ...]:
    return tuple(
        MetricDefinition(name=f"{split}:{name}", regex=rf".*\[[0-9]+\].*#011{split}-{name}:{_NUMBER}.*")
        for split in ("train", "validation")
        for name in _XGBOOST_METRICS
    )


BUILTIN_METRICS = {"linear-learner": _linear_learner(), "xgboost": _xgboost()}


OBJECTIVE_METRIC = "ObjectiveMetric"  # what AWS calls a tuning job's objective beside its own name


def with_objective(definitions: tuple[MetricDefinition, ...], objective: str) -> tuple[MetricDefinition, ...]:
    """``definitions`` and that of the metric ``objective``, once more under the name that AWS gives it."""
    return (
        *(definition for definition in definitions if definition.name != OBJECTIVE_METRIC),
        *(
            MetricDefinition(name=OBJECTIVE_METRIC, regex=definition.regex)
            for definition in definitions
            if definition.name == objective
        ),
    )


_PIECE = regex.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{(?P<count>\d+)[^}]*\}|.", regex.DOTALL)


def unrolled_length(expression: str) -> int:
    """How long a regular expression is, about, with ``x{3}`` written ``xxx``."""
    outer: list[int] = []  # the lengths of what the groups around stand in
    length = last = 0  # of what is read of this group, and of its last piece
    for piece in _PIECE.finditer(expression):
        if piece["count"]:
            length, last = length + last * (int(piece["count"]) - 1), last * int(piece["count"])
        elif piece[0] == "(":
            outer.append(length)
            length = last = 0
        elif piece[0] == ")" and outer:
            length, last = outer.pop() + length, length
        else:
            length, last = length + 1, 1
    return sum(outer) + length


class MetricReader:
    """Reads the values of ``definitions`` off a container's output, and tells ``on_value`` each with its name."""

    def __init__(self, definitions: Iterable[MetricDefinition], on_value: Callable[[str, float], None]) -> None:
        self._on_value = on_value
        self._patterns = {definition.name: regex.compile(definition.regex) for definition in definitions}

    def read(self, line: str) -> None:
        """Take the metrics of one output line. A tab reads ``#011``, as in SageMaker's logs."""
        line = line.replace("\t", "#011")
        for name, pattern in list(self._patterns.items()):
            try:
                match = pattern.search(line, timeout=LONGEST_MATCH_SECONDS, concurrent=True)
                value = float(match[1]) if match else None
            except TimeoutError:
                LOG.warning("The regular expression of metric %s takes too long; it is not read any more.", name)
                del self._patterns[name]
                continue
            except (ValueError, IndexError, TypeError):
                continue  # what it captures is no number
            if value is None or not math.isfinite(value):
                continue  # CloudWatch takes neither infinity nor NaN
            self._on_value(name, value)
