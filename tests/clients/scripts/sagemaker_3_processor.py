"""SageMaker Python SDK 3.x: a Processor counts the rows of train.csv, with its logs; nothing but a shell is needed."""

import json
import logging
import time

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import Processor
from sagemaker.core.resources import ProcessingJob
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

logging.basicConfig(level=logging.INFO, format="%(message)s")

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-3-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

# SAGEMAKER_BASE_DIR is where the job has its /opt/ml, where that is not /opt/ml itself.
COUNT = (
    'cd "${SAGEMAKER_BASE_DIR:-/opt/ml}/processing"; echo "counting $UNIT of $(ls input) for $0"; '
    "grep -c . input/train.csv > output/count; echo counted > ../output/message"
)

session = Session()
source = ProcessingS3Input(
    s3_uri=session.upload_data("train.csv", key_prefix="sdk-3"),
    s3_data_type="S3Prefix",
    s3_input_mode="File",
    local_path="/opt/ml/processing/input",
)
target = ProcessingS3Output(
    s3_uri=f"s3://{session.default_bucket()}/sdk-3/{time.time_ns()}",
    local_path="/opt/ml/processing/output",
    s3_upload_mode="EndOfJob",
)
processor = Processor(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    entrypoint=["bash", "-c", COUNT],
    env={"UNIT": "rows"},
    base_job_name="sdk-3-processor",
)
processor.run(
    inputs=[ProcessingInput(input_name="table", s3_input=source)],
    outputs=[ProcessingOutput(output_name="counted", s3_output=target)],
    arguments=["the SDK"],
    logs=True,
)

job = ProcessingJob.get(processor.latest_job.processing_job_name)
print("job:", job.processing_job_status, job.exit_message)
print("listed:", job.processing_job_name in [each.processing_job_name for each in ProcessingJob.get_all()])
print("rows:", S3Downloader.read_file(f"{target.s3_uri}/count", session).strip())
