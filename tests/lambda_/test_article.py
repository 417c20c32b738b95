"""The handler of the article that the flow comes from runs as it was written, against an XGBoost endpoint."""

from typing import Any

from tests.lambda_.conftest import Create
from tests.local.conftest import (
    XGBOOST,
    Make,
    bucket,
    create_endpoint,
    job_request,
    make_config,
    make_model,
    put,
    role,
    sagemaker,
    train,
)

__all__ = ["bucket", "create_endpoint", "job_request", "put", "role", "sagemaker", "train"]

ARTICLE = """
import os
import boto3

ENDPOINT_NAME = os.environ['ENDPOINT_NAME']
runtime = boto3.client('runtime.sagemaker')

def lambda_handler(event, context):
    response = runtime.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType='text/csv', Body=event['data'])
    result = float(response['Body'].read().decode())
    return 0 if result < 0.5 else 1
"""


def test_the_articles_handler_answers_0_or_1(
    sagemaker: Any, train: Make, role: str, create_endpoint: Make, create_function: Create
) -> None:
    job = train(
        hyperparameters={"objective": "binary:logistic", "num_round": "10"},
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
    )
    model = make_model(sagemaker, role, job["ModelArtifacts"]["S3ModelArtifacts"], image=XGBOOST)
    endpoint = create_endpoint(make_config(sagemaker, model))
    variables = {"ENDPOINT_NAME": endpoint["EndpointName"]}
    function = create_function(ARTICLE, Handler="function.lambda_handler", Environment={"Variables": variables})

    assert [function({"data": row}).payload for row in ("0,1", "6,1")] == [0, 1]
