"""SageMaker Python SDK 2.x: train Linear Learner on train.csv, deploy it, ask it, look at its logs and metrics."""

import json
import time

import boto3
import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
estimator = Estimator(
    image_uri=sagemaker.image_uris.retrieve("linear-learner", session.boto_region_name),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    hyperparameters={"predictor_type": "binary_classifier", "feature_dim": 2, "epochs": 3},
)
train = session.upload_data("train.csv", key_prefix="sdk-2")
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, logs=True)
print("model:", estimator.model_data)

predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=JSONDeserializer(),
)
print("answer:", json.dumps(predictor.predict([[5, 1], [0, 2]])))

session.logs_for_job(estimator.latest_training_job.name)
print(estimator.training_job_analytics.dataframe())

predictor.delete_model()
predictor.delete_endpoint()
