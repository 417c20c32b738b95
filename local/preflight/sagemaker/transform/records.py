"""What filters and joins see of a payload: its records as values, in the three types AWS can associate.

A CSV row is an array of texts; a JSON Lines record is a line; JSON is one record, the whole.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

# A cell in quotes or without any: RFC 4180 has no quote inside a cell that has none around it.
_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|$)')


class Format(Protocol):
    name: str  # as the log has it

    def read(self, body: bytes) -> list[Any]:
        """The records of ``body``. Raises ValueError if it is not of the type."""

    def write(self, records: Iterable[Any]) -> bytes:
        """A line for each record; nothing after the last of JSON."""

    def join(self, record: Any, result: Any) -> Any:
        """JoinSource Input: a record with what the model said of it."""

    def extend(self, record: Any, inference_id: str, inference_time: str) -> Any:
        """GenerateInferenceId: a result with the two values."""


class Csv:
    name = "CSV"

    def read(self, body: bytes) -> list[Any]:
        text = body.decode()
        lines = text.removesuffix("\n").split("\n") if text else []
        if "\r" in text:
            lines = [line.removesuffix("\r") for line in lines]
        if '"' not in text:
            return [line.split(",") for line in lines]
        return [_cells(line) for line in lines]

    def write(self, records: Iterable[Any]) -> bytes:
        rows = (record if isinstance(record, list) else [record] for record in records)
        return "".join(f"{_line(row)}\n" for row in rows).encode()

    def join(self, record: Any, result: Any) -> Any:
        return [*record, *result]

    def extend(self, record: Any, inference_id: str, inference_time: str) -> Any:
        return [*(record if isinstance(record, list) else [record]), inference_id, inference_time]


class _JsonValues:
    def join(self, record: Any, result: Any) -> Any:
        if isinstance(record, dict):
            return {**record, "SageMakerOutput": result}
        return {"SageMakerInput": record, "SageMakerOutput": result}

    def extend(self, record: Any, inference_id: str, inference_time: str) -> Any:
        added = {"SageMakerInferenceId": inference_id, "SageMakerInferenceTime": inference_time}
        return {**record, **added} if isinstance(record, dict) else {"SageMakerOutput": record, **added}


class JsonLines(_JsonValues):
    name = "JSONLINES"

    def read(self, body: bytes) -> list[Any]:
        return [_loads(line) for line in body.split(b"\n") if line.strip()]

    def write(self, records: Iterable[Any]) -> bytes:
        return b"".join(_dumps(record) + b"\n" for record in records)


class Json(_JsonValues):
    name = "JSON"

    def read(self, body: bytes) -> list[Any]:
        return [_loads(body)]

    def write(self, records: Iterable[Any]) -> bytes:
        return b"".join(map(_dumps, records))


FORMATS: dict[str, Format] = {"text/csv": Csv(), "application/jsonlines": JsonLines(), "application/json": Json()}


def find_format(content_type: str | None) -> Format | None:
    """The format of a Content-Type or Accept, whatever its parameters."""
    return FORMATS.get((content_type or "").partition(";")[0].strip().lower())


def _cells(line: str) -> Sequence[str]:
    cells, place = [], 0
    while True:
        found = _CELL.match(line, place)
        if found is None:
            raise ValueError("a quote is out of place")
        quoted, plain, separator = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not separator:
            return cells
        place = found.end()


def _line(row: Sequence[str]) -> str:
    line = ",".join(row)
    if '"' not in line and line.count(",") == len(row) - 1:
        return line
    return ",".join(map(_quoted, row))


def _quoted(cell: str) -> str:
    return '"{}"'.format(cell.replace('"', '""')) if '"' in cell or "," in cell else cell


def _loads(text: bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
