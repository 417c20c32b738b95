"""SageMaker Python SDK 2.x: a scikit-learn script prepares data, trains and serves, in AWS's image, unmodified."""

import json
import time
from pathlib import Path

import boto3
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

Path("source").mkdir()
Path("source/train.py").write_text("""
import argparse
import os

import joblib
import pandas
from columns import split
from sklearn.linear_model import LogisticRegression


def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--strength", type=float)
    parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
    arguments = parser.parse_args()
    features, labels = split(pandas.read_csv(os.path.join(arguments.train, "train.csv"), header=None))
    model = LogisticRegression(C=arguments.strength).fit(features, labels)
    print("accuracy: %.2f;" % model.score(features, labels))
    joblib.dump(model, os.path.join(arguments.model_dir, "model.joblib"))
""")
Path("source/columns.py").write_text("def split(table): return table.values[:, 1:], table.values[:, 0]\n")
Path("prepare.py").write_text(r"""
import sklearn

rows = open("/opt/ml/processing/input/train.csv").read().splitlines()
open("/opt/ml/processing/output/train.csv", "w").write("\n".join(rows[:100]))
print("prepared with", sklearn.__version__)
""")

Path("count").mkdir()
Path("count/count.py").write_text("import words; print('a source folder', words.WORDS)")
Path("count/words.py").write_text("WORDS = 'with its modules'")

machine = {"role": role, "instance_count": 1, "instance_type": "ml.m5.large"}
processor = SKLearnProcessor(framework_version="1.2-1", **machine)
processor.run(
    code="prepare.py",
    inputs=[ProcessingInput(source="train.csv", destination="/opt/ml/processing/input")],
    outputs=[ProcessingOutput(output_name="train", source="/opt/ml/processing/output")],
)
prepared = processor.latest_job.outputs[0].destination
print("rows:", len(S3Downloader.read_file(f"{prepared}/train.csv").splitlines()))

framework = FrameworkProcessor(estimator_cls=SKLearn, framework_version="1.2-1", **machine)
framework.run(code="count.py", source_dir="count")

estimator = SKLearn(
    entry_point="train.py",
    source_dir="source",
    framework_version="1.2-1",
    hyperparameters={"strength": 0.5},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: (.*?);"}],
    **machine,
)
estimator.fit({"train": prepared})
predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large")
print("answer:", predictor.predict([[5, 1], [0, 2]]).tolist())

Path("features.csv").write_text("5,1\n0,2\n6,0\n")
features = estimator.sagemaker_session.upload_data("features.csv", key_prefix="sdk-2-sklearn")
transformer = estimator.transformer(instance_count=1, instance_type="ml.m5.large", accept="text/csv")
transformer.transform(features, content_type="text/csv")
print("batch:", S3Downloader.read_file(f"{transformer.output_path}/features.csv.out").split())
predictor.delete_model()
predictor.delete_endpoint()
