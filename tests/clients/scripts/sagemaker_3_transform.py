"""SageMaker Python SDK 3.x: XGBoost, then a Transformer over a file with ids, which come back with the scores."""

import json
import logging
import time
from pathlib import Path

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Model, TransformJob
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ContainerDefinition
from sagemaker.core.transformer import Transformer
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

logging.basicConfig(level=logging.INFO, format="%(message)s")  # 3.x shows a job's log lines as log records

iam, name = boto3.client("iam"), f"sdk-3-transform-{time.time_ns()}"
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = Session()
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
trainer = ModelTrainer(
    training_image=image,
    role=role,
    base_job_name="sdk-3-transform",
    hyperparameters={"objective": "binary:logistic", "num_round": 3},
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
)
train = session.upload_data("train.csv", key_prefix="sdk-3-transform")
trainer.train(
    input_data_config=[InputData(channel_name="train", data_source=train, content_type="text/csv")], logs=False
)
model_data = trainer._latest_training_job.model_artifacts.s3_model_artifacts
container = ContainerDefinition(image=image, model_data_url=model_data)
Model.create(model_name=name, primary_container=container, execution_role_arn=role)

Path("batch.csv").write_text("first,5,1\nsecond,0,2\n")
transformer = Transformer(
    model_name=name,
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
)
transformer.transform(
    session.upload_data("batch.csv", key_prefix="sdk-3-transform-in"),
    content_type="text/csv",
    split_type="Line",
    input_filter="$[1:]",
    join_source="Input",
    output_filter="$[0,-1]",
)
job = TransformJob.get(transformer.latest_transform_job.transform_job_name)
print("job:", job.transform_job_status)
print("listed:", job.transform_job_name in [each.transform_job_name for each in TransformJob.get_all()])
for line in S3Downloader.read_file(f"{transformer.output_path}/batch.csv.out", session).splitlines():
    print("joined:", line)
transformer.delete_model()
