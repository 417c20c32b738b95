"""What expressions stand for in one execution: its parameters, its variables, and what its steps have left."""

import json
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.aws.clients import RoleClients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.pipelines.definition import ProcessingStep
from preflight.sagemaker.pipelines.expressions import Keys, Unresolved, walk
from preflight.sagemaker.pipelines.graph import Graph
from preflight.sagemaker.pipelines.record import ExecutionRecord


class ExecutionFacts:
    """``services`` are the role's; ``own_name`` is that of the job of the step that asks."""

    def __init__(self, execution: ExecutionRecord, graph: Graph, services: RoleClients, own_name: str) -> None:
        self._execution = execution
        self._graph = graph
        self._services = services
        self._own_name = own_name

    def parameter(self, name: str) -> Any:
        return self._execution.parameters[name]

    def variable(self, name: str) -> Any:
        execution = self._execution
        return {
            "StartDateTime": _written(execution.creation_time),
            "CurrentDateTime": _written(datetime.now(UTC)),
            "PipelineName": execution.pipeline_name,
            "PipelineArn": execution.pipeline_arn,
            "PipelineExecutionId": execution.name,
            "PipelineExecutionArn": execution.arn,
            "TrainingJobName": self._own_name,
            "ProcessingJobName": self._own_name,
        }[name]

    def property(self, step: str, keys: Keys) -> Any:
        try:
            return walk(self._execution.steps[step].properties, keys)
        except KeyError:
            path = ".".join(map(str, (step, *keys)))
            raise Unresolved(guessed(f"The property {path} is not there.")) from None

    def property_file(self, step: str, name: str) -> Any:
        declared = self._graph.nodes[step].step
        assert isinstance(declared, ProcessingStep)
        file = next(each for each in declared.property_files if each.property_file_name == name)
        folder = self.property(step, ("ProcessingOutputConfig", "Outputs", file.output_name, "S3Output", "S3Uri"))
        return self.json_at(f"{str(folder).rstrip('/')}/{file.file_path}")

    def json_at(self, s3_uri: str) -> Any:
        try:
            uri = S3Uri.parse(s3_uri)
            body = self._services.client("s3", self._execution.scope).get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
            return json.loads(body.read())
        except S3_ERRORS as error:
            raise Unresolved(guessed(f"The file {s3_uri} cannot be read: {error}")) from error
        except ServiceError as error:
            raise Unresolved(error.message) from error
        except ValueError:
            raise Unresolved(guessed(f"Contents of file {s3_uri} are not in valid JSON format.")) from None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
