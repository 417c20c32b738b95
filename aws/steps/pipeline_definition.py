"""The airline flow as a SageMaker pipeline: prepare, train or tune, score, evaluate, and register what is good enough.

This is the JSON that CreatePipeline takes; what a step needs of another it gets by an expression, and waits for it.
https://docs.aws.amazon.com/sagemaker/latest/dg/define-pipeline.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws.names import Names
from aws.steps.storage import PIPELINE_PREFIX
from aws.steps.training import CSV, training_request
from aws.steps.tuning import tuning_request
from aws.wanted import Wanted

TRAIN, TUNE = "Train", "Tune"
STEPS = ("Prepare", TRAIN, "Model", "Score", "Evaluate", "Accuracy", "Register")
TOO_LOW = "TooLow"  # instead of Register
PREPARED = ("train", "held-out", "questions", "schema")  # the outputs of data_prep/job.py
APPROVAL = "ModelApprovalStatus"
LEAST_ACCURACY = "LeastAccuracy"
INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"

Step = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where in S3 the jobs find what they read: the raw table, its description, and the programs."""

    table: str
    description: str
    data_prep: str
    evaluate: str


def definition(
    names: Names, wanted: Wanted, sources: Sources, *, image: str, scripts_image: str, role_arn: str
) -> dict[str, Any]:
    """``image`` trains and answers; ``scripts_image`` runs our own programs; the jobs act as the role."""
    tags = {"Tags": names.tag_list}
    settings, schema = wanted.settings.pipeline, wanted.dataset.schema
    machine = {"InstanceType": settings.instance_type, "InstanceCount": 1, "VolumeSizeInGB": settings.volume_gb}

    def processing(program: str, *arguments: str, inputs: Mapping[str, Any], outputs: tuple[str, ...]) -> Step:
        return {
            "ProcessingResources": {"ClusterConfig": machine},
            "AppSpecification": {
                "ImageUri": scripts_image,
                "ContainerEntrypoint": ["python3", f"{INPUT}/code/{program}", *arguments],
            },
            "ProcessingInputs": [_input(name, uri) for name, uri in inputs.items()],
            "ProcessingOutputConfig": {"Outputs": [_output(names, name) for name in outputs]},
            "RoleArn": role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_runtime_seconds},
            **tags,
        }

    prepared = {name: _get(f"Steps.Prepare.{_output_uri(name)}") for name in PREPARED}
    train, held_out, questions = (prepared[name] for name in ("train", "held-out", "questions"))
    of_jobs = {"image": image, "bucket": names.bucket, "role_arn": role_arn}
    training, model_data = (_tuned if wanted.tune else _trained)(wanted, (train, held_out), tags, of_jobs)
    container = {"Image": image, "ModelDataUrl": model_data}
    if wanted.algorithm.environment:
        container["Environment"] = dict(wanted.algorithm.environment)
    evaluation = _get(f"Steps.Evaluate.{_output_uri('evaluation')}")
    accuracy = {
        "Std:JsonGet": {
            "PropertyFile": _get("Steps.Evaluate.PropertyFiles.Evaluation"),
            "Path": f"{schema.kind}_classification_metrics.accuracy.value",
        }
    }
    steps: list[Step] = [
        {
            "Name": "Prepare",
            "Type": "Processing",
            "Arguments": processing(
                "data_prep.zip",
                inputs={"code": sources.data_prep, "table": sources.table, "description": sources.description},
                outputs=PREPARED,
            ),
        },
        training,
        {
            "Name": "Model",
            "Type": "Model",
            "Arguments": {"PrimaryContainer": container, "ExecutionRoleArn": role_arn, **tags},
        },
        {"Name": "Score", "Type": "Transform", "Arguments": {**_transform(names, wanted, questions), **tags}},
        {
            "Name": "Evaluate",
            "Type": "Processing",
            "Arguments": processing(
                "evaluate.py",
                schema.kind,
                inputs={
                    "code": sources.evaluate,
                    "held-out": held_out,
                    "answers": _get("Steps.Score.TransformOutput.S3OutputPath"),
                },
                outputs=("evaluation",),
            ),
            "PropertyFiles": [
                {"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}
            ],
        },
        {
            "Name": "Accuracy",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThanOrEqualTo",
                        "LeftValue": accuracy,
                        "RightValue": _get(f"Parameters.{LEAST_ACCURACY}"),
                    }
                ],
                "IfSteps": [
                    {"Name": "Register", "Type": "RegisterModel", "Arguments": _package(names, container, evaluation)}
                ],
                "ElseSteps": [
                    {"Name": TOO_LOW, "Type": "Fail", "Arguments": {"ErrorMessage": _too_low(accuracy)}},
                ],
            },
        },
    ]
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": LEAST_ACCURACY, "Type": "Float", "DefaultValue": settings.least_accuracy},
            {
                "Name": APPROVAL,
                "Type": "String",
                "DefaultValue": "PendingManualApproval",
                "EnumValues": ["PendingManualApproval", "Approved"],
            },
        ],
        "Steps": steps,
    }


def _trained(wanted: Wanted, rows: tuple[Any, Any], tags: Step, of_jobs: Mapping[str, str]) -> tuple[Step, Any]:
    """The step that trains on ``rows``, those to learn from and those held out; and where its model is."""
    request = training_request(wanted, **of_jobs)
    _feed(request, rows)
    step = {"Name": TRAIN, "Type": "Training", "Arguments": {**request, **tags}}
    return step, _get(f"Steps.{TRAIN}.ModelArtifacts.S3ModelArtifacts")


def _tuned(wanted: Wanted, rows: tuple[Any, Any], tags: Step, of_jobs: Mapping[str, str]) -> tuple[Step, Any]:
    """Likewise the step that tunes, and where its best model is: of that it tells the job's name only."""
    request = tuning_request(wanted, **of_jobs)
    definition = request["TrainingJobDefinition"]
    _feed(definition, rows)
    best = _get(f"Steps.{TUNE}.BestTrainingJob.TrainingJobName")
    artifact = _join("/", definition["OutputDataConfig"]["S3OutputPath"], best, "output/model.tar.gz")
    return {"Name": TUNE, "Type": "Tuning", "Arguments": {**request, **tags}}, artifact


def _feed(request: Step, rows: tuple[Any, Any]) -> None:
    for channel, uri in zip(request["InputDataConfig"], rows, strict=True):
        channel["DataSource"]["S3DataSource"]["S3Uri"] = uri


def _transform(names: Names, wanted: Wanted, rows: Any) -> Step:
    """The held-out rows without their labels in, one answer a line out, in the same order.

    No filter cuts the labels off here: with one, AWS has the answers in the rows' own type, which Linear Learner lacks.
    """
    machine = wanted.settings.batch
    return {
        "ModelName": _get("Steps.Model.ModelName"),
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": rows}},
            "ContentType": CSV,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": _of_this_run(names, "answers"),
            "Accept": wanted.algorithm.batch_type,
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": machine.instance_type, "InstanceCount": machine.instance_count},
    }


def _package(names: Names, container: Step, evaluation: Any) -> Step:
    quality = {"ContentType": "application/json", "S3Uri": _join("/", evaluation, "evaluation.json")}
    return {
        "ModelPackageGroupName": names.package_group,
        "ModelApprovalStatus": _get(f"Parameters.{APPROVAL}"),
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": [CSV],
            "SupportedResponseMIMETypes": ["application/json", CSV],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": quality}},
    }


def _too_low(accuracy: Any) -> Any:
    return _join(" ", "The accuracy is", accuracy, "and must be at least", _get(f"Parameters.{LEAST_ACCURACY}"))


def _input(name: str, uri: Any) -> Step:
    where = {"S3Uri": uri, "LocalPath": f"{INPUT}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": where}


def _output(names: Names, name: str) -> Step:
    where = {"S3Uri": _of_this_run(names, name), "LocalPath": f"{OUTPUT}/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": where}


def _output_uri(name: str) -> str:
    return f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"


def _of_this_run(names: Names, folder: str) -> Any:
    """A folder of the execution's own, so that no run meets what another has left."""
    runs = f"s3://{names.bucket}/{PIPELINE_PREFIX.rstrip('/')}"
    return _join("/", runs, _get("Execution.PipelineExecutionId"), folder)


def _get(path: str) -> Any:
    return {"Get": path}


def _join(between: str, *values: Any) -> Any:
    return {"Std:Join": {"On": between, "Values": list(values)}}
