"""``report.html``: one file with all it needs, that opens offline.

What stands in the table is text in it, never HTML.
"""

import base64
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

from aws.deployment import Deployment
from aws.evaluation import curves, measures
from aws.evaluation.answers import Answer
from aws.evaluation.importance import Importance
from aws.evaluation.page import charts
from aws.evaluation.page.charts import Chart
from aws.evaluation.page.tables import confusion_matrix, frequent_confusions, per_class
from aws.schema import Schema

FOLDER = Path(__file__).resolve().parent
PLOTLY = FOLDER / "plotly-basic-4.1.1.min.js"  # https://www.npmjs.com/package/plotly.js-basic-dist-min, MIT
MATRIX_CLASSES = 12

Answers = Sequence[Answer]


@dataclass(frozen=True)
class Figure:
    """A number that is read first, and what it is measured against."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True)
class Card:
    """A part of the page: a chart, or a table as HTML."""

    title: str
    text: str
    chart: Chart | None = None
    table: str = ""
    wide: bool = False


def write_page(path: Path, deployment: Deployment, schema: Schema, answers: Answers, importance: Importance) -> None:
    """Replace the page in one move. Raises OSError if it cannot be written."""
    text = page(deployment, schema, answers, importance)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def page(deployment: Deployment, schema: Schema, answers: Answers, importance: Importance) -> str:
    """The page's HTML. Its scripts are its own alone: their hashes stand in its Content-Security-Policy."""
    cards = _without_gaps([*_quality(schema, answers), _latency(answers), _importance(importance)])
    drawn = [card.chart for card in cards if card.chart]
    scripts = [file.read_text(encoding="utf-8") for file in (PLOTLY, FOLDER / "page.js")]
    content = [
        _header(deployment, schema, answers),
        _figures(_headline(schema, answers)),
        f'<div class="cards">{_cards(cards)}</div>',
        _footer(deployment),
    ]
    return Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{deployment.project}: {deployment.algorithm} on {deployment.source}"),
        style=(FOLDER / "page.css").read_text(encoding="utf-8"),
        content="\n".join(content),
        charts=json.dumps([asdict(chart) for chart in drawn]).replace("<", "\\u003c"),
        plotly=scripts[0],
        script=scripts[1],
        script_hashes=" ".join(f"'sha256-{_hash(script)}'" for script in scripts),
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _header(deployment: Deployment, schema: Schema, answers: Answers) -> str:
    source = "a generated sample, not a survey" if deployment.generated else deployment.source
    place = "AWS" if deployment.target == "aws" else "this machine"
    measured = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return (
        f'<header><p class="eyebrow">{escape(deployment.project)} · {escape(deployment.algorithm)} · {place}</p>'
        f"<h1>Predicting {escape(schema.column)}</h1>"
        f"<p>{len(answers):,} rows that the model has not seen, of {escape(source)}, asked through the URL on "
        f"{measured}.</p></header>"
    )


def _footer(deployment: Deployment) -> str:
    return (
        f"<footer>Training job <code>{escape(deployment.training_job_name)}</code>, "
        f"endpoint <code>{escape(deployment.endpoint_name)}</code>, "
        f"URL <code>{escape(deployment.api_url)}</code></footer>"
    )


def _figures(figures: Iterable[Figure]) -> str:
    items = (
        f"<div><dt>{figure.name}</dt><dd>{figure.value}<small>{escape(figure.beside)}</small></dd></div>"
        for figure in figures
    )
    return f'<dl class="figures">{"".join(items)}</dl>'


def _without_gaps(cards: Iterable[Card]) -> list[Card]:
    """Cards stand in two columns: one that would have none beside it takes both."""
    placed: list[Card] = []
    alone = False
    for card in cards:
        if card.wide and alone:
            placed[-1] = replace(placed[-1], wide=True)
        alone = not card.wide and not alone
        placed.append(card)
    return placed


def _cards(cards: Iterable[Card]) -> str:
    parts, place = [], 0
    for card in cards:
        body = card.table
        if card.chart:
            label = escape(card.chart.label)
            body = f'<div class="chart" id="chart-{place}" role="img" aria-label="{label}"></div>'
            place += 1
        kind = ' class="wide"' if card.wide else ""
        parts.append(f"<section{kind}><h2>{escape(card.title)}</h2><p>{escape(card.text)}</p>{body}</section>")
    return "".join(parts)


def _headline(schema: Schema, answers: Answers) -> list[Figure]:
    return [*_headline_of_quality(schema, answers), *_headline_of_latency(answers)]


def _headline_of_quality(schema: Schema, answers: Answers) -> list[Figure]:
    if schema.kind == "regression":
        explained = measures.r_squared(answers)
        mean = sum(answer.actual for answer in answers) / len(answers)
        guess = sum(abs(answer.actual - mean) for answer in answers) / len(answers)
        error = f"{measures.mean_absolute_error(answers):.4g}"
        return [
            Figure("Mean absolute error", error, f"{guess:.4g} if it always said the mean"),
            Figure("Root mean squared error", f"{measures.root_mean_squared_error(answers):.4g}"),
            Figure("Variance explained", "–" if explained is None else f"{explained:.1%}"),
        ]
    [(most, count)] = Counter(answer.actual for answer in answers).most_common(1)
    beside = f"{count / len(answers):.1%} if it always said {schema.classes[int(most)]}"
    figures = [Figure("Accuracy", f"{measures.accuracy(answers):.1%}", beside)]
    if schema.kind == "binary" and (cuts := curves.cuts(answers)):
        figures.append(Figure("Area under ROC", f"{curves.area_under_roc(cuts):.3f}", "0.5 by chance"))
        share = sum(answer.actual == 1 for answer in answers) / len(answers)
        figures.append(Figure("Average precision", f"{curves.average_precision(cuts):.3f}", f"{share:.3f} by chance"))
    if schema.kind == "multiclass":
        recalls = [line.recall for line in measures.by_class(answers, len(schema.classes)) if line.recall is not None]
        figures.append(Figure("Mean recall", f"{sum(recalls) / len(recalls):.1%}", "each class counts alike"))
    return figures


def _headline_of_latency(answers: Answers) -> list[Figure]:
    p50, p95 = (measures.latency_ms(answers, share) for share in (0.5, 0.95))
    return [Figure("Latency", f"{p50:.1f} ms", f"half are faster; 95 % within {p95:.1f} ms")]


def _quality(schema: Schema, answers: Answers) -> list[Card]:
    if schema.kind == "regression":
        return _of_numbers(schema, answers)
    return [*_of_classes(schema, answers), *(_of_scores(schema, answers) if schema.kind == "binary" else [])]


def _of_numbers(schema: Schema, answers: Answers) -> list[Card]:
    text = "On the dotted line every prediction is right."
    leaning = "Where points lean to one side, the model is wrong in a way that could be learned."
    spread = "How many rows are how far off; above 0 too much was predicted."
    return [
        Card("Predicted and true", text, charts.predicted_and_true(answers, schema.column)),
        Card("Errors by prediction", leaning, charts.residuals(answers)),
        Card("Errors", spread, charts.error_histogram(answers)),
    ]


def _of_classes(schema: Schema, answers: Answers) -> list[Card]:
    counts = measures.confusion(answers, len(schema.classes))
    if len(schema.classes) <= MATRIX_CLASSES:
        text = "Rows of each true class, by what the model said."
        wide = len(schema.classes) > 5
        cards = [Card("Confusion matrix", text, table=confusion_matrix(schema, counts), wide=wide)]
    else:
        cards = [Card("What is confused", "The most frequent mistakes.", table=frequent_confusions(schema, counts))]
    text = "Precision: how much of what is called so is so. Recall: how much of what is so is called so."
    lines = measures.by_class(answers, len(schema.classes))
    return [*cards, Card("By class", text, table=per_class(schema, lines), wide=cards[0].wide)]


def _of_scores(schema: Schema, answers: Answers) -> list[Card]:
    cuts = curves.cuts(answers)
    if not cuts:
        return [Card("Curves", "These need rows of both classes: ask about more rows.")]
    called = [answer.scores[0] for answer in answers if answer.predicted == 1]
    in_use = min(called, default=None)
    share = sum(answer.actual == 1 for answer in answers) / len(answers)
    said = f" Now every score from {in_use:.3f} on is called 1." if in_use is not None else ""
    found = "What is found of the 1s, against what is wrongly called 1, over all thresholds."
    called_so = "How much of what is called 1 is 1, against how much of the 1s is found."
    each = f"What each threshold would give; 1 is {schema.classes[1]}.{said}"
    cards = [
        Card("ROC curve", found, charts.roc(cuts)),
        Card("Precision and recall", called_so, charts.precision_recall(cuts, share)),
        Card("Threshold", each, charts.thresholds(cuts, in_use)),
    ]
    if bins := curves.calibration(answers):
        text = "On the dotted line, of rows with a score of 0.8, 80 % are 1. Larger points are of more rows."
        cards.append(Card("Calibration", text, charts.calibration(bins)))
    return cards


def _latency(answers: Answers) -> Card:
    longest = max(answer.seconds for answer in answers) * 1000
    text = f"Whole requests, one after the other over one connection. The slowest took {longest:.0f} ms."
    return Card("Latency", text, charts.latency(answers))


def _importance(found: Importance) -> Card:
    if not found.features:
        return Card("What it goes by", found.meaning, wide=True)
    more = len(found.features) - charts.SHOWN_FEATURES
    rest = f" The {charts.SHOWN_FEATURES} strongest of {len(found.features)}." if more > 0 else ""
    return Card("What it goes by", found.meaning + rest, charts.importance(found), wide=True)
