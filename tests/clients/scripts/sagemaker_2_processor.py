"""SageMaker Python SDK 2.x: a Processor counts the rows of train.csv, with its logs; nothing but a shell is needed."""

import json
import time

import boto3
import sagemaker
from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor
from sagemaker.s3 import S3Downloader

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

# SAGEMAKER_BASE_DIR is where the job has its /opt/ml, where that is not /opt/ml itself.
COUNT = (
    'cd "${SAGEMAKER_BASE_DIR:-/opt/ml}/processing"; echo "counting $UNIT of $(ls input) for $0"; '
    "grep -c . input/train.csv > output/count; echo counted > ../output/message"
)

session = sagemaker.Session()
processor = Processor(
    image_uri=sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    entrypoint=["bash", "-c", COUNT],
    env={"UNIT": "rows"},
    base_job_name="sdk-2",
)
processor.run(
    inputs=[ProcessingInput(source="train.csv", destination="/opt/ml/processing/input")],
    outputs=[ProcessingOutput(output_name="counted", source="/opt/ml/processing/output")],
    arguments=["the SDK"],
    logs=True,
)

job = processor.latest_job
description = job.describe()
print("job:", description["ProcessingJobStatus"], description["ExitMessage"])
print("rows:", S3Downloader.read_file(f"{job.outputs[0].destination}/count").strip())
