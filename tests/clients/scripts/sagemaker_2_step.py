"""SageMaker Python SDK 2.x: functions become a pipeline's steps (@step), in AWS's base image, unmodified."""

import json
import time

import boto3
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThan
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.function_step import step
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
    iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


@step(name="Square", instance_type="ml.m5.large", role=role)
def square(number):
    print(f"squared: {number * number}")
    return number * number


number = ParameterInteger("Number", default_value=3)
squared = square(number)
large = ConditionGreaterThan(left=squared, right=8)
decide = ConditionStep("Large", conditions=[large], if_steps=[], else_steps=[FailStep("Small", error_message="small")])
pipeline = Pipeline(name, parameters=[number], steps=[decide])
pipeline.create(role)
execution = pipeline.start()
execution.wait(delay=1, max_attempts=200)
print("result:", execution.result("Square"))
