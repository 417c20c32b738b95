"""SageMaker Python SDK 2.x: an asynchronous endpoint, asked by an AsyncPredictor, with a result and a failure."""

import json
import time

import boto3
import sagemaker
from sagemaker.async_inference import AsyncInferenceConfig, WaiterConfig
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.exceptions import AsyncInferenceModelError
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.serializers import CSVSerializer

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-async-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
image = sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
estimator = Estimator(image, role, instance_count=1, instance_type="ml.m5.large")
estimator.set_hyperparameters(objective="binary:logistic", num_round=3)
train = session.upload_data("train.csv", key_prefix="sdk-2-async")
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, wait=False)
session.wait_for_job(estimator.latest_training_job.name, poll=1)

model = Model(image, model_data=estimator.model_data, role=role, sagemaker_session=session)
model.deploy(1, "ml.m5.large", endpoint_name=name, async_inference_config=AsyncInferenceConfig(), wait=False)
session.wait_for_endpoint(name, poll=1)
predictor = AsyncPredictor(Predictor(name, session, CSVSerializer(), CSVDeserializer()), name)
quick = WaiterConfig(max_attempts=10, delay=1)  # the SDK looks for the other of result and failure to the end
print("answer:", predictor.predict([[5, 1], [0, 2]], waiter_config=quick))
later = predictor.predict_async([["no", "number"]])
try:
    later.get_result(quick)
except AsyncInferenceModelError as error:
    print("failed:", error)

session.delete_endpoint(name)
session.delete_endpoint_config(name)
model.delete_model()
