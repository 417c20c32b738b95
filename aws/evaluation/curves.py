"""What the scores of two classes tell beyond one threshold: curves over all thresholds, and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from aws.evaluation.answers import Answer

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Cut:
    """What comes of saying 1 from ``threshold`` on."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def true_positive_rate(self) -> float:
        """The share of the 1s that is found: recall."""
        return self.true_positives / (self.true_positives + self.false_negatives)

    @property
    def false_positive_rate(self) -> float:
        return self.false_positives / (self.false_positives + self.true_negatives)

    @property
    def precision(self) -> float:
        """The share of what is called 1 that is 1."""
        return self.true_positives / (self.true_positives + self.false_positives)

    @property
    def accuracy(self) -> float:
        right = self.true_positives + self.true_negatives
        return right / (right + self.false_positives + self.false_negatives)


@dataclass(frozen=True)
class Bin:
    """Rows of like scores: their mean score, which share of them is 1, and how many they are."""

    score: float
    share: float
    rows: int


def cuts(answers: Sequence[Answer]) -> list[Cut]:
    """One for each score that occurs, from the highest down; none unless there are rows of both classes."""
    positives = sum(answer.actual == 1 for answer in answers)
    negatives = len(answers) - positives
    if not positives or not negatives:
        return []
    found: list[Cut] = []
    hits = misses = 0
    ranked = sorted(answers, key=lambda answer: -answer.scores[0])
    for score, group in groupby(ranked, key=lambda answer: answer.scores[0]):
        labels = [answer.actual == 1 for answer in group]
        hits += sum(labels)
        misses += len(labels) - sum(labels)
        found.append(Cut(score, hits, misses, positives - hits, negatives - misses))
    return found


def area_under_roc(found: Sequence[Cut]) -> float:
    """How often a row that is 1 has a higher score than one that is 0; ties count half."""
    area, left, height = 0.0, 0.0, 0.0
    for cut in found:
        area += (cut.false_positive_rate - left) * (cut.true_positive_rate + height) / 2
        left, height = cut.false_positive_rate, cut.true_positive_rate
    return area


def average_precision(found: Sequence[Cut]) -> float:
    """Precision at each threshold, weighted by the recall that it adds."""
    total, recall = 0.0, 0.0
    for cut in found:
        total += (cut.true_positive_rate - recall) * cut.precision
        recall = cut.true_positive_rate
    return total


def calibration(answers: Sequence[Answer]) -> list[Bin]:
    """Rows by tenths of their scores; none where scores are no probabilities."""
    if not all(0 <= answer.scores[0] <= 1 for answer in answers):
        return []

    def place(answer: Answer) -> int:
        return min(int(answer.scores[0] * CALIBRATION_BINS), CALIBRATION_BINS - 1)

    found = []
    for _, group in groupby(sorted(answers, key=place), key=place):
        rows = list(group)
        score = sum(answer.scores[0] for answer in rows) / len(rows)
        found.append(Bin(score, sum(answer.actual == 1 for answer in rows) / len(rows), len(rows)))
    return found
