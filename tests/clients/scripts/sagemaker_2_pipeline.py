"""The MLOps template with SageMaker Python SDK 2.x: process, train, evaluate, decide; register and transform.

It runs three times: to a good end, to its Fail step, and into a step that fails. The data have the shape of the abalone
set and are made up.
"""

import time

from abalone import role_of, show_outcome, write_files
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep

INSTANCE = "ml.m5.large"
BASE = "/opt/ml/processing"

name = f"pipeline-2-{time.time_ns()}"
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
image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
common = {"role": role, "instance_type": INSTANCE, "sagemaker_session": session}


def written(*names: str) -> list[ProcessingOutput]:
    return [ProcessingOutput(output_name=each, source=f"{BASE}/{each}") for each in names]


processor = SKLearnProcessor(framework_version="1.2-1", instance_count=instances, **common)
prepare = ProcessingStep(
    name="AbaloneProcess",
    step_args=processor.run(
        code="prepare.py",
        inputs=[ProcessingInput(source=input_data, destination=f"{BASE}/input")],
        outputs=written("train", "test", "batch"),
        arguments=["--share", "0.8"],
    ),
    cache_config=cached,
)


def prepared(output: str) -> object:
    return prepare.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri


estimator = Estimator(image_uri=image, instance_count=1, output_path=f"s3://{bucket}/{name}/models", **common)
estimator.set_hyperparameters(objective="reg:squarederror", num_round=20, max_depth=4, eta=0.3)
channels = {
    "train": TrainingInput(prepared("train"), content_type="text/csv"),
    "validation": TrainingInput(prepared("test"), content_type="text/csv"),
}
train = TrainingStep(name="AbaloneTrain", step_args=estimator.fit(channels), cache_config=cached)
artifact = train.properties.ModelArtifacts.S3ModelArtifacts

report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
evaluator = ScriptProcessor(image_uri=image, command=["python3"], instance_count=1, **common)
evaluate = ProcessingStep(
    name="AbaloneEval",
    step_args=evaluator.run(
        code="evaluate.py",
        inputs=[
            ProcessingInput(source=artifact, destination=f"{BASE}/model"),
            ProcessingInput(source=prepared("test"), destination=f"{BASE}/test"),
        ],
        outputs=written("evaluation"),
    ),
    property_files=[report],
    cache_config=cached,
)
model = Model(image_uri=image, model_data=artifact, role=role, sagemaker_session=session)
register = ModelStep(
    name="AbaloneRegister",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=[INSTANCE],
        transform_instances=[INSTANCE],
        model_package_group_name=name,
        approval_status=approval,
    ),
)
create = ModelStep(name="Abalone", step_args=model.create(instance_type=INSTANCE))
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
