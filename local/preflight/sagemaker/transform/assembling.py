"""The result of one object: the answers to its mini-batches, one after another. AssembleWith.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformOutput.html
"""

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.object_streams import ObjectWriter
from preflight.sagemaker.data.objects import InputObject
from preflight.sagemaker.transform.request import TransformOutput

SUFFIX = ".out"


def output_folder(output: TransformOutput) -> S3Uri:
    uri = S3Uri.parse(output.s3_output_path)
    key = uri.key.rstrip("/")
    return S3Uri(uri.bucket, f"{key}/" if key else "")


class Result:
    """``<object>.out`` below S3OutputPath: there once it is finished, whole or not at all."""

    def __init__(self, services: Clients, scope: Scope, output: TransformOutput, source: InputObject) -> None:
        self.source = source
        self.failed = False
        folder = output_folder(output)
        uri = S3Uri(folder.bucket, f"{folder.key}{source.path}{SUFFIX}")
        self._writer = ObjectWriter(services, scope, uri, output.kms_key_id)
        self._by_line = output.assemble_with == "Line"
        self._ends_line = True

    def add(self, answer: bytes) -> None:
        """The answer to the next mini-batch."""
        self.extend(answer)
        self.end_answer()

    def extend(self, part: bytes) -> None:
        """A part of an answer."""
        self._writer.write(part)
        self._ends_line = part.endswith(b"\n") if part else self._ends_line

    def end_answer(self) -> None:
        """An answer ends a line; one that does so already gets no second newline. AWS does not say which it does."""
        if self._by_line and not self._ends_line:
            self._writer.write(b"\n")
            self._ends_line = True

    def finish(self) -> None:
        self._writer.finish()

    def abandon(self) -> None:
        self._writer.abandon()
