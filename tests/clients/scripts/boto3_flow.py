"""boto3: the flow with its waiters and paginators. train.csv: a label, then two features."""

import json
import time

import boto3

IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
FAST = {"Delay": 1, "MaxAttempts": 60}

sagemaker, s3, iam = boto3.client("sagemaker"), boto3.client("s3"), boto3.client("iam")
name = f"boto3-{time.time_ns()}"
print("boto3", boto3.__version__)


def listed(operation: str, key: str, name_key: str) -> list[str]:
    """The names a paginator finds, one to a page."""
    pages = sagemaker.get_paginator(operation).paginate(NameContains=name, PaginationConfig={"PageSize": 1})
    return [item[name_key] for page in pages for item in page[key]]


s3.create_bucket(Bucket=name)
s3.get_waiter("bucket_exists").wait(Bucket=name)
s3.upload_file("train.csv", name, "train/train.csv")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
    iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")

names = [f"{name}-1", f"{name}-2"]
for each in names:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/train"}
    sagemaker.create_training_job(
        TrainingJobName=each,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{name}/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Tags=[{"Key": "project", "Value": "demo"}],
    )
for each in names:
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=each, WaiterConfig=FAST)
    job = sagemaker.describe_training_job(TrainingJobName=each)
    print(each, job["TrainingJobStatus"])
    container = {"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName=each, PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "v", "ModelName": each, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=each, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=each, EndpointConfigName=each)
for each in names:
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=each, WaiterConfig=FAST)
answer = boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName=names[0], ContentType="text/csv", Accept="application/json", Body=b"5,1\n0,2\n"
)
print("answer:", answer["Body"].read().decode())

print("jobs:", sorted(listed("list_training_jobs", "TrainingJobSummaries", "TrainingJobName")) == names)
print("models:", sorted(listed("list_models", "Models", "ModelName")) == names)
print("configs:", sorted(listed("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName")) == names)
print("endpoints:", sorted(listed("list_endpoints", "Endpoints", "EndpointName")) == names)
tags = sagemaker.get_paginator("list_tags").paginate(ResourceArn=job["TrainingJobArn"])
print("tags:", [tag for page in tags for tag in page["Tags"]])
log = boto3.client("logs").get_paginator("filter_log_events")
lines = [
    event["message"]
    for page in log.paginate(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{names[0]}/")
    for event in page["events"]
]
print("logged:", any("#quality_metric" in line for line in lines))

for each in names:
    sagemaker.delete_endpoint(EndpointName=each)
    sagemaker.delete_endpoint_config(EndpointConfigName=each)
    sagemaker.delete_model(ModelName=each)
for each in names:
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=each, WaiterConfig=FAST)
print("left:", listed("list_endpoints", "Endpoints", "EndpointName"))
