"""SageMaker Python SDK 2.x: MultiDataModel, two models of one script behind one endpoint, the second added later."""

import io
import json
import tarfile
import time
from pathlib import Path

import boto3
import sagemaker
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.sklearn.model import SKLearnModel

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-many-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
Path("serve.py").write_text("""
import os


def model_fn(model_dir):
    with open(os.path.join(model_dir, "factor")) as file:
        return float(file.read())


def predict_fn(data, model):
    return data * model
""")


def pack(factor: float) -> str:
    path = f"times-{factor:g}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("factor")
        member.size = len(str(factor))
        archive.addfile(member, io.BytesIO(str(factor).encode()))
    return path


session = sagemaker.Session()
prefix = f"s3://{session.default_bucket()}/{name}/"
options = {"role": role, "entry_point": "serve.py", "framework_version": "1.2-1", "sagemaker_session": session}
script = SKLearnModel(model_data=prefix, **options)
many = MultiDataModel(name, prefix, model=script, sagemaker_session=session)
many.add_model(pack(2), "times-2.tar.gz")
predictor = many.deploy(1, "ml.m5.large")
print("twice:", predictor.predict([[1, 2]], target_model="times-2.tar.gz").tolist())
many.add_model(pack(10), "times-10.tar.gz")
print("ten times:", predictor.predict([[1, 2]], target_model="times-10.tar.gz").tolist())
print("listed:", sorted(many.list_models()))

predictor.delete_endpoint()
many.delete_model()
