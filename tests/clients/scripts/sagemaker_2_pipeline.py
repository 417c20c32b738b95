"""A pipeline of SageMaker Python SDK 2.x: prepare, train, evaluate; register and make a model if the error is small."""

import json
import time
from pathlib import Path

import boto3
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
INSTANCE = "ml.m5.large"
PREPARE = """
import os
folder = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/processing/train"
with open(folder + "/rows.csv", "w") as rows:
    rows.writelines(f"{i % 2 * 4 + 1},{i % 2},{i % 5}\\n" for i in range(200))
"""
EVALUATE = """
import json, os
folder = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/processing"
assert os.path.exists(folder + "/model/model.tar.gz")
with open(folder + "/evaluation/evaluation.json", "w") as report:
    json.dump({"regression_metrics": {"mse": {"value": 0.5}}}, report)
"""

iam = boto3.client("iam")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
policy = {"Version": "2012-10-17", "Statement": [trust]}
role = iam.create_role(RoleName="pipeline-2", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_role_policy(RoleName="pipeline-2", PolicyName="all", PolicyDocument=json.dumps(allow))

Path("prepare.py").write_text(PREPARE)
Path("evaluate.py").write_text(EVALUATE)
session = PipelineSession()
threshold = ParameterFloat(name="MseThreshold", default_value=6.0)
instances = ParameterInteger(name="Instances", default_value=1)
processor = ScriptProcessor(
    image_uri=IMAGE,
    command=["python3"],
    role=role,
    instance_count=instances,
    instance_type=INSTANCE,
    sagemaker_session=session,
)
prepare = ProcessingStep(
    name="Prepare",
    step_args=processor.run(
        code="prepare.py", outputs=[ProcessingOutput(output_name="train", source="/opt/ml/processing/train")]
    ),
)
estimator = Estimator(
    image_uri=IMAGE,
    role=role,
    instance_count=1,
    instance_type=INSTANCE,
    output_path=f"s3://{session.default_bucket()}/abalone",
    sagemaker_session=session,
)
estimator.set_hyperparameters(objective="reg:squarederror", num_round=5)
rows = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
train = TrainingStep(name="Train", step_args=estimator.fit({"train": TrainingInput(rows, content_type="text/csv")}))
artifact = train.properties.ModelArtifacts.S3ModelArtifacts
report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
evaluate = ProcessingStep(
    name="Evaluate",
    step_args=processor.run(
        code="evaluate.py",
        inputs=[ProcessingInput(source=artifact, destination="/opt/ml/processing/model")],
        outputs=[ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")],
    ),
    property_files=[report],
)
model = Model(image_uri=IMAGE, model_data=artifact, role=role, sagemaker_session=session)
register = ModelStep(
    name="Register",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=[INSTANCE],
        transform_instances=[INSTANCE],
        model_package_group_name="Abalone",
        approval_status="PendingManualApproval",
    ),
)
make_model = ModelStep(name="Make", step_args=model.create(instance_type=INSTANCE))
fail = FailStep(name="TooHigh", error_message=Join(on=" ", values=["MSE is above", threshold]))
mse = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.mse.value")
check = ConditionStep(
    name="Check",
    conditions=[ConditionLessThanOrEqualTo(left=mse, right=threshold)],
    if_steps=[register, make_model],
    else_steps=[fail],
)
pipeline = Pipeline(
    name="AbalonePipeline",
    parameters=[threshold, instances],
    steps=[prepare, train, evaluate, check],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role)
pipeline.upsert(role_arn=role)
for parameters in ({}, {"MseThreshold": 0.1}):
    execution = pipeline.start(parameters=parameters)
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.5)
    print("execution:", execution.describe()["PipelineExecutionStatus"])
    for step in reversed(execution.list_steps()):
        print("step:", step["StepName"], step["StepStatus"], step.get("FailureReason", ""))
