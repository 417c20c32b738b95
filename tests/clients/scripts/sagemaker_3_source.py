"""SageMaker Python SDK 3.x: ModelTrainer runs a source folder in scikit-learn's image, by its own entry point."""

import json
import logging
import time
from pathlib import Path

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

logging.basicConfig(level=logging.INFO, format="%(message)s")  # 3.x shows a job's log lines as log records

iam = boto3.client("iam")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
name = f"sdk-3-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

Path("source").mkdir()
Path("source/train.py").write_text("""
import argparse
import os

import sklearn
from naming import name

parser = argparse.ArgumentParser()
parser.add_argument("--max_iter", type=int)
arguments = parser.parse_args()
rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv")).read().splitlines()
print("trained with", sklearn.__version__, arguments.max_iter, len(rows), name())
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("a model")
""")
Path("source/naming.py").write_text("def name(): return 'found'\n")

session = Session()
trainer = ModelTrainer(
    training_image=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
    role=role,
    base_job_name="sdk-3-source",
    source_code=SourceCode(source_dir="source", entry_script="train.py"),
    hyperparameters={"max_iter": 7},
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
)
train = session.upload_data("train.csv", key_prefix="sdk-3-source")
trainer.train(input_data_config=[InputData(channel_name="train", data_source=train)])
print("job:", trainer._latest_training_job.training_job_status)
