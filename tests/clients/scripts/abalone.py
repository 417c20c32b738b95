"""What both pipelines of the MLOps template work on: a table like the abalone set, made up, and two jobs' programs."""

import json
import random
from pathlib import Path

import boto3

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


def write_files() -> None:
    """Leave abalone.csv, prepare.py and evaluate.py in this folder."""
    Path("prepare.py").write_text(PREPARE)
    Path("evaluate.py").write_text(EVALUATE)
    chance = random.Random(1)
    with Path("abalone.csv").open("w") as table:
        for _ in range(400):
            length = chance.uniform(0.1, 0.8)
            sizes = [length * factor * chance.uniform(0.95, 1.05) for factor in (1, 0.8, 0.3, 2, 0.9, 0.4, 0.6)]
            rings = round(2 + 20 * length + chance.uniform(-1, 1))
            table.write(",".join([chance.choice("MFI"), *(f"{size:.3f}" for size in sizes), str(rings)]) + "\n")


def role_of(name: str) -> str:
    """Create the role ``name``, for SageMaker; return its ARN."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    return role


def show_outcome(bucket: str, name: str) -> None:
    """Print what came of it: the transformed rows, below s3://bucket/name, and the package in the group ``name``."""
    s3 = boto3.client("s3")
    rows = s3.get_object(Bucket=bucket, Key=f"{name}/transformed/batch.csv.out")["Body"].read().decode().split()
    print("transformed:", len(rows), all(2 < float(row) < 20 for row in rows))
    [package] = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
    print("registered:", package["ModelPackageVersion"], package["ModelApprovalStatus"])
