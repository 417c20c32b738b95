"""The figures of the page, as Plotly reads them. Colours are names of the page's style sheet: ``--accent``.

https://plotly.com/javascript/reference/
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from aws.evaluation.answers import Answer
from aws.evaluation.curves import Bin, Cut
from aws.evaluation.importance import Importance

SHOWN_FEATURES = 20
SHOWN_CHARACTERS = 28
HISTOGRAM_BINS = 24
MOST_POINTS = 2_000
ACCENT, SECOND, QUIET = "--accent", "--second", "--quiet"


@dataclass(frozen=True)
class Chart:
    """Traces and layout; ``label`` says to who cannot see it what it shows."""

    label: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int = 320


def roc(cuts: Sequence[Cut]) -> Chart:
    xs = [0.0, *(cut.false_positive_rate for cut in cuts)]
    ys = [0.0, *(cut.true_positive_rate for cut in cuts)]
    axes = _axes("false positive rate", "true positive rate", share=True)
    return Chart("ROC curve", [_diagonal(), _line(xs, ys, "ROC curve", filled=True)], axes)


def precision_recall(cuts: Sequence[Cut], base_rate: float) -> Chart:
    curve = _line([cut.true_positive_rate for cut in cuts], [cut.precision for cut in cuts], "precision", filled=True)
    chance = _line([0, 1], [base_rate, base_rate], "by chance", color=QUIET, dash="dot")
    return Chart("Precision-recall curve", [chance, curve], _axes("recall", "precision", share=True))


def thresholds(cuts: Sequence[Cut], in_use: float | None) -> Chart:
    """What each threshold would give; ``in_use`` is the lowest score that is called 1 now."""
    scores = [cut.threshold for cut in cuts]
    traces = [
        _line(scores, [cut.precision for cut in cuts], "precision"),
        _line(scores, [cut.true_positive_rate for cut in cuts], "recall", color=SECOND),
        _line(scores, [cut.accuracy for cut in cuts], "accuracy", color=QUIET, dash="dash"),
    ]
    layout = _axes("threshold", "", share=False, legend=True)
    layout["yaxis"] |= {"range": [0, 1.02]}
    if in_use is not None:
        layout["shapes"] = [
            {
                "type": "line",
                "x0": in_use,
                "x1": in_use,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": _stroke(QUIET, "dot"),
            }
        ]
        layout["annotations"] = [
            {
                "x": in_use,
                "y": 0.02,
                "yref": "paper",
                "text": "in use",
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "bottom",
                "xshift": 5,
            }
        ]
    return Chart("Precision, recall and accuracy by threshold", traces, layout)


def calibration(bins: Sequence[Bin]) -> Chart:
    most = max(found.rows for found in bins)
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [found.score for found in bins],
        "y": [found.share for found in bins],
        "line": _stroke(ACCENT),
        "marker": {"color": ACCENT, "size": [7 + 13 * math.sqrt(found.rows / most) for found in bins]},
        "text": [f"{found.rows} rows" for found in bins],
        "cliponaxis": False,
        "hovertemplate": "mean score %{x:.2f}<br>share of 1 %{y:.0%}<br>%{text}<extra></extra>",
    }
    return Chart("Calibration", [_diagonal(), points], _axes("mean score", "share that is 1", share=True))


def predicted_and_true(answers: Sequence[Answer], column: str) -> Chart:
    shown = answers[:MOST_POINTS]
    actual, said = [answer.actual for answer in shown], [answer.predicted for answer in shown]
    ends = [min([*actual, *said]), max([*actual, *said])]
    points = _points(actual, said, "true %{x:.4g}<br>predicted %{y:.4g}<extra></extra>")
    traces = [_line(ends, ends, "as it is", color=QUIET, dash="dot"), points]
    return Chart("Predicted against true", traces, _axes(f"true {_short(column)}", "predicted"))


def residuals(answers: Sequence[Answer]) -> Chart:
    shown = answers[:MOST_POINTS]
    said = [answer.predicted for answer in shown]
    errors = [answer.predicted - answer.actual for answer in shown]
    traces = [
        _line([min(said), max(said)], [0, 0], "none", color=QUIET, dash="dot"),
        _points(said, errors, "predicted %{x:.4g}<br>error %{y:.4g}<extra></extra>"),
    ]
    return Chart("Error by prediction", traces, _axes("predicted", "predicted less true"))


def error_histogram(answers: Sequence[Answer]) -> Chart:
    errors = [answer.predicted - answer.actual for answer in answers]
    return Chart(
        "Errors", [_histogram(errors, "%{y} rows around %{x:.4g}<extra></extra>")], _bars_of("predicted less true")
    )


def latency(answers: Sequence[Answer]) -> Chart:
    """Above the 99th percentile bars are lost to the eye, and would make the others thin."""
    times = sorted(1000 * answer.seconds for answer in answers)
    shown = times[: max(1, math.ceil(len(times) * 0.99))]
    return Chart("Latency", [_histogram(shown, "%{y} requests near %{x:.1f} ms<extra></extra>")], _bars_of("ms"))


def importance(found: Importance) -> Chart:
    """The strongest features, the strongest on top."""
    strongest = sorted(found.features, key=lambda feature: -abs(feature[1]))[:SHOWN_FEATURES][::-1]
    values = [value for _, value in strongest]
    places = list(range(len(strongest)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": places,
        "text": [escape(name, quote=False) for name, _ in strongest],
        "textposition": "none",
        "marker": {"color": [ACCENT if value >= 0 else SECOND for value in values]},
        "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
    }
    layout = _axes("", "")
    layout["yaxis"] |= {
        "tickvals": places,
        "ticktext": [_short(name) for name, _ in strongest],
        "showgrid": False,
        "automargin": True,
    }
    layout["bargap"] = 0.35
    return Chart("Features", [bars], layout, height=70 + 24 * len(strongest))


def _line(
    xs: Sequence[float],
    ys: Sequence[float],
    name: str,
    *,
    color: str = ACCENT,
    dash: str = "solid",
    filled: bool = False,
) -> dict[str, Any]:
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": list(ys),
        "name": name,
        "line": _stroke(color, dash),
        "hovertemplate": f"{name}: %{{y:.3f}} at %{{x:.3f}}<extra></extra>" if color != QUIET else None,
        "hoverinfo": "skip" if color == QUIET else None,
    }
    if filled:
        line |= {"fill": "tozeroy", "fillcolor": "--wash"}
    return {key: value for key, value in line.items() if value is not None}


def _diagonal() -> dict[str, Any]:
    return _line([0, 1], [0, 1], "by chance", color=QUIET, dash="dot")


def _points(xs: Sequence[float], ys: Sequence[float], hover: str) -> dict[str, Any]:
    marker = {"color": ACCENT, "size": 7, "opacity": 0.6}
    return {"type": "scatter", "mode": "markers", "x": xs, "y": ys, "marker": marker, "hovertemplate": hover}


def _histogram(values: Sequence[float], hover: str) -> dict[str, Any]:
    low, high = min(values), max(values)
    width = (high - low) / HISTOGRAM_BINS or 1.0
    counts = [0] * HISTOGRAM_BINS
    for value in values:
        counts[min(int((value - low) / width), HISTOGRAM_BINS - 1)] += 1
    middles = [low + (place + 0.5) * width for place in range(HISTOGRAM_BINS)]
    return {"type": "bar", "x": middles, "y": counts, "marker": {"color": ACCENT}, "hovertemplate": hover}


def _bars_of(title: str) -> dict[str, Any]:
    return _axes(title, "") | {"bargap": 0.08}


def _axes(x: str, y: str, *, share: bool = False, legend: bool = False) -> dict[str, Any]:
    def axis(title: str) -> dict[str, Any]:
        return {"title": {"text": title}} | ({"range": [-0.01, 1.02], "tickformat": ".1f"} if share else {})

    return {"xaxis": axis(x), "yaxis": axis(y), "showlegend": legend}


def _stroke(color: str, dash: str = "solid") -> dict[str, Any]:
    return {"color": color, "dash": dash, "width": 1.5 if color == QUIET else 2.5}


def _short(name: str) -> str:
    """A name as Plotly shows it as it is: it reads some HTML."""
    short = name if len(name) <= SHOWN_CHARACTERS else f"{name[: SHOWN_CHARACTERS - 1]}…"
    return escape(short, quote=False)
