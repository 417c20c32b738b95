"""The MLOps template with SageMaker Python SDK 3.x: process, train, evaluate, decide; register and transform.

It runs three times: to a good end, to its Fail step, and into a step that fails. The data have the shape of the abalone
set and are made up.
"""

import time

from abalone import role_of, show_outcome, write_files
from sagemaker.core import image_uris
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig

INSTANCE = "ml.m5.large"
BASE = "/opt/ml/processing"

name = f"pipeline-3-{time.time_ns()}"
role = role_of(name)
write_files()
session = PipelineSession()
bucket = session.default_bucket()
data = session.upload_data("abalone.csv", key_prefix=f"{name}/raw")
input_data = ParameterString(name="InputData", default_value=data)
threshold = ParameterFloat(name="MseThreshold", default_value=6.0)
instances = ParameterInteger(name="ProcessingInstanceCount", default_value=1)
approval = ParameterString(name="ModelApprovalStatus", default_value="PendingManualApproval")
cached = CacheConfig(enable_caching=True, expire_after="p30d")
image = image_uris.retrieve("xgboost", session.boto_region_name, version="3.2-0")
common = {"role": role, "sagemaker_session": session}
machine = {"instance_type": INSTANCE, "instance_count": instances, **common}


def read(source: object, folder: str) -> ProcessingInput:
    how = {"local_path": f"{BASE}/{folder}", "s3_data_type": "S3Prefix", "s3_input_mode": "File"}
    return ProcessingInput(input_name=folder, s3_input=ProcessingS3Input(s3_uri=source, **how))


def written(*folders: str) -> list[ProcessingOutput]:
    return [
        ProcessingOutput(
            output_name=folder,
            s3_output=ProcessingS3Output(
                s3_uri=f"s3://{bucket}/{name}/{folder}", local_path=f"{BASE}/{folder}", s3_upload_mode="EndOfJob"
            ),
        )
        for folder in folders
    ]


scripts_image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1")
processor = ScriptProcessor(image_uri=scripts_image, command=["python3"], **machine)
prepare = ProcessingStep(
    name="AbaloneProcess",
    step_args=processor.run(
        code="prepare.py",
        inputs=[read(input_data, "input")],
        outputs=written("train", "test", "batch"),
        arguments=["--share", "0.8"],
    ),
    cache_config=cached,
)


def prepared(output: str) -> object:
    return prepare.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri


trainer = ModelTrainer(
    training_image=image,
    compute=Compute(instance_type=INSTANCE, instance_count=1),
    hyperparameters={"objective": "reg:squarederror", "num_round": 20, "max_depth": 4, "eta": 0.3},
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{name}/models"),
    input_data_config=[
        InputData(channel_name="train", data_source=prepared("train"), content_type="text/csv"),
        InputData(channel_name="validation", data_source=prepared("test"), content_type="text/csv"),
    ],
    **common,
)
train = TrainingStep(name="AbaloneTrain", step_args=trainer.train(), cache_config=cached)
artifact = train.properties.ModelArtifacts.S3ModelArtifacts

report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
evaluator = ScriptProcessor(image_uri=image, command=["python3"], **machine)
evaluate = ProcessingStep(
    name="AbaloneEval",
    step_args=evaluator.run(
        code="evaluate.py",
        inputs=[read(artifact, "model"), read(prepared("test"), "test")],
        outputs=written("evaluation"),
    ),
    property_files=[report],
    cache_config=cached,
)
builder = ModelBuilder(image_uri=image, s3_model_data_url=artifact, role_arn=role, sagemaker_session=session)
register = ModelStep(
    name="AbaloneRegister",
    step_args=builder.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=[INSTANCE],
        transform_instances=[INSTANCE],
        model_package_group_name=name,
        approval_status=approval,
    ),
)
create = ModelStep(name="Abalone", step_args=builder.build())
transformer = Transformer(
    model_name=create.properties.ModelName,
    instance_type=INSTANCE,
    instance_count=1,
    output_path=f"s3://{bucket}/{name}/transformed",
    sagemaker_session=session,
)
transform = TransformStep(
    name="AbaloneTransform",
    step_args=transformer.transform(data=prepared("batch"), content_type="text/csv", split_type="Line"),
)
fail = FailStep(name="AbaloneMSEFail", error_message=Join(on=" ", values=["MSE is above", threshold]))
mse = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value")
check = ConditionStep(
    name="AbaloneMSECond",
    conditions=[ConditionLessThanOrEqualTo(left=mse, right=threshold)],
    if_steps=[register, create, transform],
    else_steps=[fail],
)
pipeline = Pipeline(
    name=name,
    parameters=[input_data, threshold, instances, approval],
    steps=[prepare, train, evaluate, check],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role)
pipeline.upsert(role_arn=role)
runs = ({}, {"MseThreshold": 0.0001}, {"InputData": f"s3://{bucket}/{name}/nothing"})
for parameters in runs:
    began = time.monotonic()
    execution = pipeline.start(parameters=parameters)
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.5)
    print("execution:", execution.describe()["PipelineExecutionStatus"])
    for step in reversed(execution.list_steps()):
        how = "cached" if step.get("CacheHitResult") else ""
        print("step:", step["StepName"], step["StepStatus"], how, step.get("FailureReason", ""))
    print(f"seconds: {time.monotonic() - began:.1f}")
show_outcome(bucket, name)
