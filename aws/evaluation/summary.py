"""What a person at a terminal is told of a number of answers."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aws.evaluation import measures
from aws.evaluation.answers import Answer
from aws.schema import Schema

SHOWN_CLASSES = 12


def summary(schema: Schema, answers: Sequence[Answer]) -> RenderableType:
    """Accuracy and confusion matrix, or errors; and how long answers took."""
    figures = Table.grid(padding=(0, 2))
    figures.add_column(style="bold")
    if schema.kind == "regression":
        share = measures.r_squared(answers)
        figures.add_row("  mean absolute error", f"{measures.mean_absolute_error(answers):.4g}")
        figures.add_row("  root mean squared error", f"{measures.root_mean_squared_error(answers):.4g}")
        figures.add_row("  variance explained", "-" if share is None else f"{share:.1%}")
    else:
        figures.add_row("  accuracy", f"{measures.accuracy(answers):.4f}")
    p50, p95 = (measures.latency_ms(answers, share) for share in (0.5, 0.95))
    figures.add_row("  latency", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    shows_matrix = schema.kind != "regression" and len(schema.classes) <= SHOWN_CLASSES
    return Group(figures, _matrix(schema, answers)) if shows_matrix else figures


def _matrix(schema: Schema, answers: Sequence[Answer]) -> Table:
    counts = measures.confusion(answers, len(schema.classes))
    places = range(len(schema.classes))
    if schema.kind == "binary":  # 1 first, as people are used to
        places = range(1, -1, -1)
    names = [f"{place}" if schema.kind == "binary" else schema.classes[place] for place in range(len(schema.classes))]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    for _ in places:
        table.add_column(justify="right", overflow="fold")
    table.add_row("", *(Text(f"said {names[place]}", style="dim") for place in places))
    for line in places:
        cells = [Text(f"{counts[line][place]}", style="green" if line == place else "") for place in places]
        table.add_row(Text(f"  is {names[line]}", style="dim"), *cells)
    return table
