"""A project's own script, boto3 and nothing of ours: trains a Linear Learner and prints how that ended."""

import json
import time
import uuid

import boto3

name = f"job-{uuid.uuid4().hex[:10]}"
boto3.client("s3").create_bucket(Bucket=name)
rows = "\n".join(f"{i % 2},{(i % 2) * 4 + i % 3},{i % 5}" for i in range(400))
boto3.client("s3").put_object(Bucket=name, Key="data/train.csv", Body=rows.encode())
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam = boto3.client("iam")
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/data/"}
sagemaker = boto3.client("sagemaker")
sagemaker.create_training_job(
    TrainingJobName=name,
    AlgorithmSpecification={
        "TrainingImage": "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1",
        "TrainingInputMode": "File",
    },
    RoleArn=role["Role"]["Arn"],
    InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
    OutputDataConfig={"S3OutputPath": f"s3://{name}/output"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    StoppingCondition={"MaxRuntimeInSeconds": 600},
    HyperParameters={"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"},
)
while (job := sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
    time.sleep(0.1)
print(job["TrainingJobStatus"], job.get("FailureReason", ""))
