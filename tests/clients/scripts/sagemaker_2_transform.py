"""SageMaker Python SDK 2.x: XGBoost, then a Transformer over a file with ids, which come back with the scores."""

import json
import time
from pathlib import Path

import boto3
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, role_name = boto3.client("iam"), f"sdk-2-transform-{time.time_ns()}"
role = iam.create_role(
    RoleName=role_name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=role_name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
image = sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
estimator = Estimator(image, role, instance_count=1, instance_type="ml.m5.large")
estimator.set_hyperparameters(objective="binary:logistic", num_round=3)
train = session.upload_data("train.csv", key_prefix="sdk-2-transform")
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, logs=False)

Path("batch.csv").write_text("first,5,1\nsecond,0,2\n")
transformer = estimator.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
)
transformer.transform(
    session.upload_data("batch.csv", key_prefix="sdk-2-transform-in"),
    content_type="text/csv",
    split_type="Line",
    input_filter="$[1:]",
    join_source="Input",
    output_filter="$[0,-1]",
)
bucket, _, prefix = transformer.output_path.removeprefix("s3://").partition("/")
for line in session.read_s3_file(bucket, f"{prefix}/batch.csv.out").splitlines():
    print("joined:", line)
transformer.delete_model()
