"""DataProcessing: what of each record the model gets, and what of the record stands beside its answer.

InputFilter, the model, JoinSource, OutputFilter, in this order; then the ids that DataCaptureConfig asks for.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.transform.filters import FilterError, Path, parse
from preflight.sagemaker.transform.records import FORMATS, Format, find_format
from preflight.sagemaker.transform.request import CreateTransformJob, DataProcessing


class AssociationError(Exception):
    """A payload or an answer cannot be filtered or joined; the text is for the job's log."""


@dataclass(frozen=True)
class Association:
    """How the records of a payload and those of its answer are one."""

    format: Format
    input_filter: Path
    output_filter: Path
    joins: bool
    inference_time: str | None  # with it, each result gets an id

    @classmethod
    def of(cls, request: CreateTransformJob, started: datetime) -> "Association | None":
        """What ``request`` asks for; None if payloads and answers pass as they are.

        Raises:
            ValidationException: as CreateTransformJob refuses it.
        """
        processing = request.data_processing
        capture = request.data_capture_config
        stamped = capture is not None and capture.generate_inference_id
        if processing == DataProcessing() and not stamped:
            return None
        record_format = _require_format(request, stamped)
        content_type = str(request.transform_input.content_type)
        association = cls(
            record_format,
            parse("InputFilter", processing.input_filter, content_type),
            parse("OutputFilter", processing.output_filter, content_type),
            processing.join_source == "Input",
            started.strftime("%Y-%m-%dT%H:%M:%SZ") if stamped else None,
        )
        for path in (association.input_filter, association.output_filter):
            if record_format is FORMATS["text/csv"] and path.has_names:
                raise ValidationException(guessed(f'Invalid JsonPath "{path.text}": a CSV row has indexes only.'))
        return association

    def request_body(self, payload: bytes) -> bytes:
        """What the model gets of ``payload``. Raises AssociationError."""
        if self.input_filter.is_root:
            return payload
        try:
            return self.format.write([self.input_filter.select(record) for record in self._read_input(payload)])
        except FilterError as error:
            raise AssociationError(str(error)) from error

    def result(self, payload: bytes, answer: bytes) -> bytes:
        """What is stored of ``payload`` and the model's ``answer`` to it. Raises AssociationError."""
        if not self.joins and self.output_filter.is_root and self.inference_time is None:
            return answer
        try:
            results = self.format.read(answer)
        except ValueError as error:
            raise AssociationError(f"Failed to parse output from the algorithm as {self.format.name}") from error
        if self.joins:
            records = self._read_input(payload)
            if len(records) != len(results):
                raise AssociationError(
                    guessed("Fail to join data: mismatched line count between the input and the output")
                )
            results = [self.format.join(*pair) for pair in zip(records, results, strict=True)]
        if not self.output_filter.is_root:
            try:
                results = [self.output_filter.select(record) for record in results]
            except FilterError as error:
                raise AssociationError(str(error)) from error
        if self.inference_time is not None:
            results = [self.format.extend(record, str(uuid.uuid4()), self.inference_time) for record in results]
        return self.format.write(results)

    def _read_input(self, payload: bytes) -> list[object]:
        try:
            return self.format.read(payload)
        except ValueError as error:
            raise AssociationError(guessed(f"Failed to parse input as {self.format.name}")) from error


def _require_format(request: CreateTransformJob, stamped: bool) -> Format:
    """The one format that goes in and comes out."""
    source, output, processing = request.transform_input, request.transform_output, request.data_processing
    found, answered = find_format(source.content_type), find_format(output.accept)
    reads_answer = processing.join_source == "Input" or processing.output_filter.strip() != "$" or stamped
    if found is None or (answered is not found and (reads_answer or output.accept is not None)):
        raise ValidationException(
            guessed(
                "DataProcessing needs ContentType and Accept to be the same, and one of "
                f"{', '.join(FORMATS)}; they are {source.content_type} and {output.accept}."
            )
        )
    ends_lines = source.split_type == "Line" and (output.assemble_with == "Line" or not reads_answer)
    if found is FORMATS["text/csv"] and not ends_lines:
        raise ValidationException(guessed("DataProcessing of text/csv needs SplitType Line and AssembleWith Line."))
    return found
