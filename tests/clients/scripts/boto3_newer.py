"""What only a newer boto3 knows: a member and an operation."""

import boto3
from botocore.exceptions import ClientError

sagemaker = boto3.client("sagemaker")
variant = {
    "VariantName": "v",
    "ModelName": "m",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 1,
    "VariantInstanceProvisionTimeoutInSeconds": 600,
}
try:
    sagemaker.create_endpoint_config(EndpointConfigName="newer", ProductionVariants=[variant])
except ClientError as error:
    print(error)
try:
    sagemaker.list_ai_benchmark_jobs()
except ClientError as error:
    print(error)
