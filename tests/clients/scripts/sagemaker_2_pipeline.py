"""The MLOps template with SageMaker Python SDK 2.x: process, train, evaluate, decide; register and transform.

It runs three times: to a good end, to its Fail step, and into a step that fails. The data have the shape of the abalone
set and are made up.
"""

import json
import random
import time
from pathlib import Path

import boto3
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
PREPARE = """
import argparse
from pathlib import Path

import pandas
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--share", type=float)
share = parser.parse_args().share
base = Path("/opt/ml/processing")
table = pandas.read_csv(base / "input/abalone.csv", header=None)
rings = table.pop(8)
columns = ColumnTransformer([("sex", OneHotEncoder(), [0]), ("size", StandardScaler(), list(range(1, 8)))])
rows = pandas.concat([rings, pandas.DataFrame(columns.fit_transform(table))], axis=1)
end = round(len(rows) * share)
for name, part in (("train", rows[:end]), ("test", rows[end:])):
    part.to_csv(base / name / f"{name}.csv", header=False, index=False)
rows.iloc[end:, 1:].to_csv(base / "batch/batch.csv", header=False, index=False)
"""
EVALUATE = """
import json
import tarfile
from pathlib import Path

import numpy
import xgboost

base = Path("/opt/ml/processing")
with tarfile.open(base / "model/model.tar.gz") as archive:
    archive.extract("xgboost-model", "model")
booster = xgboost.Booster(model_file="model/xgboost-model")
rows = numpy.loadtxt(base / "test/test.csv", delimiter=",")
error = booster.predict(xgboost.DMatrix(rows[:, 1:])) - rows[:, 0]
mse = {"value": float(numpy.mean(error**2)), "standard_deviation": float(error.std())}
report = {"regression_metrics": {"mse": mse}}
(base / "evaluation/evaluation.json").write_text(json.dumps(report))
"""

name = f"pipeline-2-{time.time_ns()}"
iam = boto3.client("iam")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
policy = {"Version": "2012-10-17", "Statement": [trust]}
role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

Path("prepare.py").write_text(PREPARE)
Path("evaluate.py").write_text(EVALUATE)
chance = random.Random(1)
with Path("abalone.csv").open("w") as table:
    for _ in range(400):
        length = chance.uniform(0.1, 0.8)
        sizes = [length * factor * chance.uniform(0.95, 1.05) for factor in (1, 0.8, 0.3, 2, 0.9, 0.4, 0.6)]
        rings = round(2 + 20 * length + chance.uniform(-1, 1))
        table.write(",".join([chance.choice("MFI"), *(f"{size:.3f}" for size in sizes), str(rings)]) + "\n")

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

s3 = boto3.client("s3")
rows = s3.get_object(Bucket=bucket, Key=f"{name}/transformed/batch.csv.out")["Body"].read().decode().split()
print("transformed:", len(rows), all(2 < float(row) < 20 for row in rows))
[package] = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
print("registered:", package["ModelPackageVersion"], package["ModelApprovalStatus"])
