"""SageMaker Python SDK 2.x: a ScriptProcessor and a FrameworkProcessor run scripts by their paths below /opt/ml."""

import json
import time
from pathlib import Path

import boto3
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn.estimator import SKLearn

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/preflight-processing-python:1"

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
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

machine = {"role": role, "instance_count": 1, "instance_type": "ml.m5.large"}
inputs = [ProcessingInput(source="train.csv", destination="/opt/ml/processing/input")]


def read(processor):
    return S3Downloader.read_file(f"{processor.latest_job.outputs[0].destination}/count")


def output():
    return [ProcessingOutput(output_name="counted", source="/opt/ml/processing/output")]


script = ScriptProcessor(image_uri=IMAGE, command=["python3"], **machine)
script.run(code="script.py", inputs=inputs, outputs=output(), arguments=["one", "script"], logs=False)
print("script:", read(script))

framework = FrameworkProcessor(estimator_cls=SKLearn, framework_version="1.2-1", image_uri=IMAGE, **machine)
framework.run(
    code="count.py", source_dir="source", inputs=inputs, outputs=output(), arguments=["a", "folder"], logs=False
)
print("framework:", read(framework))
