"""The tables of the page, as HTML in which every name is escaped."""

from collections.abc import Sequence
from html import escape

from aws.evaluation.measures import ClassFigures
from aws.schema import Schema

SHOWN_CONFUSIONS = 15


def confusion_matrix(schema: Schema, counts: Sequence[Sequence[int]]) -> str:
    """A line for each true class; a cell's colour is its share of the line."""
    places = range(len(schema.classes))
    if schema.kind == "binary":  # 1 first, as people are used to
        places = range(1, -1, -1)
    heads = "".join(f'<th scope="col">said {escape(_name(schema, place))}</th>' for place in places)
    lines = []
    for line in places:
        total = sum(counts[line]) or 1
        cells = "".join(
            f'<td{" class=right" if place == line else ""} style="--share:{counts[line][place] / total:.3f}">'
            f"{counts[line][place]:,}<small>{counts[line][place] / total:.0%}</small></td>"
            for place in places
        )
        lines.append(f'<tr><th scope="row">is {escape(_name(schema, line))}</th>{cells}</tr>')
    return _scrolled("matrix", heads, lines)


def frequent_confusions(schema: Schema, counts: Sequence[Sequence[int]]) -> str:
    """Of many classes, the pairs that are taken for each other most often."""
    pairs = [
        (count, line, place)
        for line, cells in enumerate(counts)
        for place, count in enumerate(cells)
        if count and line != place
    ]
    lines = [
        f'<tr><th scope="row">{escape(schema.classes[line])}</th><td>{escape(schema.classes[place])}</td>'
        f'<td class="rows">{count:,}</td></tr>'
        for count, line, place in sorted(pairs, reverse=True)[:SHOWN_CONFUSIONS]
    ]
    return _scrolled("listed", '<th scope="col">said</th><th scope="col">rows</th>', lines)


def per_class(schema: Schema, figures: Sequence[ClassFigures]) -> str:
    """Precision and recall of each class."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("precision", "recall", "rows"))
    lines = [
        f'<tr><th scope="row">{escape(_name(schema, place))}</th><td>{_share(found.precision)}</td>'
        f'<td>{_share(found.recall)}</td><td class="rows">{found.rows:,}</td></tr>'
        for place, found in enumerate(figures)
    ]
    return _scrolled("listed", heads, lines[::-1] if schema.kind == "binary" else lines)


def _name(schema: Schema, place: int) -> str:
    name = schema.classes[place]
    return name if schema.kind != "binary" or name == str(place) else f"{place} ({name})"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _scrolled(kind: str, heads: str, lines: Sequence[str]) -> str:
    head = f"<thead><tr><td></td>{heads}</tr></thead>"
    return f'<div class="scroll"><table class="{kind}">{head}<tbody>{"".join(lines)}</tbody></table></div>'
