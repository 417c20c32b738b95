"""SageMaker Python SDK 2.x: XGBoost, then a Model of the artifact it left, and a Predictor; its calls are captured."""

import json
import time

import boto3
import sagemaker
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-model-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
bucket = session.default_bucket()
image = sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
estimator = Estimator(
    image,
    role,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/xgboost",
)
estimator.set_hyperparameters(objective="binary:logistic", num_round=3)
train = TrainingInput(session.upload_data("train.csv", key_prefix="sdk-2-model"), content_type="text/csv")
estimator.fit({"train": train}, wait=False)
session.wait_for_job(estimator.latest_training_job.name, poll=1)
estimator = Estimator.attach(estimator.latest_training_job.name)

model = Model(image, model_data=estimator.model_data, role=role, predictor_cls=Predictor)
capture = DataCaptureConfig(enable_capture=True, sampling_percentage=100)  # into the session's default bucket
endpoint_name = f"sdk-2-{time.time_ns()}"
model.deploy(1, "ml.m5.large", endpoint_name=endpoint_name, data_capture_config=capture, wait=False)
session.wait_for_endpoint(model.endpoint_name, poll=1)
predictor = Predictor(model.endpoint_name, session, CSVSerializer(), CSVDeserializer())
print("answer:", predictor.predict([[5, 1], [0, 2]]))

session.delete_endpoint(predictor.endpoint_name)
session.delete_endpoint_config(predictor.endpoint_name)
model.delete_model()

s3 = boto3.client("s3")
for _ in range(60):  # captured data is stored by the end of the endpoint
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"model-monitor/data-capture/{endpoint_name}/").get("Contents")
    if found:
        break
    time.sleep(0.5)
[file] = found
[line] = s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read().decode().splitlines()
captured = json.loads(line)["captureData"]
print("captured:", captured["endpointInput"]["data"].split(), captured["endpointOutput"]["encoding"])
