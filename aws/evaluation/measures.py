"""The figures of a number of answers, by the kind of label."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws.evaluation.answers import Answer
from aws.schema import Schema

Answers = Sequence[Answer]


@dataclass(frozen=True)
class ClassFigures:
    """Of one class: how many rows it has, how much of what is called so is so, how much of it is called so.

    A share is None where there is nothing to have a share of.
    """

    rows: int
    precision: float | None
    recall: float | None


def accuracy(answers: Answers) -> float:
    """The share of rows whose class was said rightly."""
    return sum(answer.actual == answer.predicted for answer in answers) / len(answers)


def confusion(answers: Answers, class_count: int) -> list[list[int]]:
    """How many rows of class i (the line) were said to be of class j (the column)."""
    counts = [[0] * class_count for _ in range(class_count)]
    for answer in answers:
        counts[int(answer.actual)][int(answer.predicted)] += 1
    return counts


def by_class(answers: Answers, class_count: int) -> list[ClassFigures]:
    """Of every class, in their order."""
    counts = confusion(answers, class_count)
    found = []
    for place in range(class_count):
        rows, called, right = sum(counts[place]), sum(line[place] for line in counts), counts[place][place]
        found.append(ClassFigures(rows, right / called if called else None, right / rows if rows else None))
    return found


def mean_absolute_error(answers: Answers) -> float:
    return sum(abs(answer.predicted - answer.actual) for answer in answers) / len(answers)


def root_mean_squared_error(answers: Answers) -> float:
    return math.sqrt(sum((answer.predicted - answer.actual) ** 2 for answer in answers) / len(answers))


def r_squared(answers: Answers) -> float | None:
    """The share of the labels' variance that is explained; None where they do not vary."""
    mean = sum(answer.actual for answer in answers) / len(answers)
    total = sum((answer.actual - mean) ** 2 for answer in answers)
    return 1 - sum((answer.predicted - answer.actual) ** 2 for answer in answers) / total if total else None


def latency_ms(answers: Answers, share: float) -> float:
    """The time below which ``share`` of the requests took, in milliseconds."""
    seconds = sorted(answer.seconds for answer in answers)
    return 1000 * seconds[min(len(seconds) - 1, int(len(seconds) * share))]


def figures(schema: Schema, answers: Answers) -> dict[str, Any]:
    """All that is measured, by name, for programs."""
    return {
        "rows": len(answers),
        **_quality(schema, answers),
        "latency_p50_ms": latency_ms(answers, 0.5),
        "latency_p95_ms": latency_ms(answers, 0.95),
    }


def _quality(schema: Schema, answers: Answers) -> dict[str, Any]:
    if schema.kind == "regression":
        return {
            "mean_absolute_error": mean_absolute_error(answers),
            "root_mean_squared_error": root_mean_squared_error(answers),
            "r_squared": r_squared(answers),
        }
    counts = confusion(answers, len(schema.classes))
    if schema.kind == "multiclass":
        return {"accuracy": accuracy(answers), "classes": list(schema.classes), "confusion": counts}
    (true_negatives, false_positives), (false_negatives, true_positives) = counts
    return {
        "accuracy": accuracy(answers),
        "true_positives": true_positives,
        "false_positives": false_positives,
        "true_negatives": true_negatives,
        "false_negatives": false_negatives,
    }
