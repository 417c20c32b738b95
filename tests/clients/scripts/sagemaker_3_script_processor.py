"""SageMaker Python SDK 3.x: a ScriptProcessor and a FrameworkProcessor run scripts by their paths below /opt/ml."""

import json
import time
from pathlib import Path

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/preflight-processing-python:1"

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-3-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

Path("source").mkdir()
Path("source/count.py").write_text("""
import sys
from pathlib import Path

import naming

rows = Path("/opt/ml/processing/input/train.csv").read_text().splitlines()
Path("/opt/ml/processing/output/count").write_text(f"{naming.name(sys.argv[1:])} {len(rows)}")
""")
Path("source/naming.py").write_text("def name(words): return '-'.join(words)\n")
Path("script.py").write_text(
    Path("source/count.py").read_text().replace("import naming", "class naming: name = '-'.join")
)

session = Session()
machine = {"image_uri": IMAGE, "role": role, "instance_count": 1, "instance_type": "ml.m5.large"}
source = ProcessingS3Input(
    s3_uri=session.upload_data("train.csv", key_prefix="sdk-3"),
    s3_data_type="S3Prefix",
    s3_input_mode="File",
    local_path="/opt/ml/processing/input",
)


def count(processor, **run):
    target = ProcessingS3Output(
        s3_uri=f"s3://{session.default_bucket()}/sdk-3/{time.time_ns()}",
        local_path="/opt/ml/processing/output",
        s3_upload_mode="EndOfJob",
    )
    processor.run(
        inputs=[ProcessingInput(input_name="table", s3_input=source)],
        outputs=[ProcessingOutput(output_name="counted", s3_output=target)],
        logs=False,
        **run,
    )
    return S3Downloader.read_file(f"{target.s3_uri}/count", session)


script = ScriptProcessor(command=["python3"], **machine)
print("script:", count(script, code="script.py", arguments=["one", "script"]))
framework = FrameworkProcessor(command=["python3"], **machine)
print("framework:", count(framework, code="count.py", source_dir="source", arguments=["a", "folder"]))
