"""SageMaker Python SDK 3.x: train with ModelTrainer, then deploy with the resource classes of sagemaker-core.

The model answers at once, and by way of a queue.
"""

import json
import logging
import time

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
from sagemaker.core.shapes import (
    AsyncInferenceConfig,
    AsyncInferenceOutputConfig,
    CaptureOption,
    ContainerDefinition,
    DataCaptureConfig,
    ProductionVariant,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

logging.basicConfig(level=logging.INFO, format="%(message)s")  # 3.x shows a job's log lines as log records

iam = boto3.client("iam")
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
name = f"sdk-3-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = Session()
image = image_uris.retrieve("linear-learner", session.boto_region_name)
trainer = ModelTrainer(
    training_image=image,
    role=role,
    base_job_name="sdk-3",
    hyperparameters={"predictor_type": "binary_classifier", "feature_dim": 2, "epochs": 3},
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
)
train = session.upload_data("train.csv", key_prefix="sdk-3")
trainer.train(input_data_config=[InputData(channel_name="train", data_source=train, content_type="text/csv")])

job = TrainingJob.get(trainer._latest_training_job.training_job_name)
print("job:", job.training_job_status, job.model_artifacts.s3_model_artifacts)
print("listed:", job.training_job_name in [each.training_job_name for each in TrainingJob.get_all()])

container = ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts)
model = Model.create(model_name=name, primary_container=container, execution_role_arn=role)
variant = ProductionVariant(
    variant_name="AllTraffic", model_name=name, initial_instance_count=1, instance_type="ml.m5.large"
)
capture = DataCaptureConfig(
    enable_capture=True,
    initial_sampling_percentage=100,
    destination_s3_uri=f"s3://{session.default_bucket()}/sdk-3-captured",
    capture_options=[CaptureOption(capture_mode="Input"), CaptureOption(capture_mode="Output")],
)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], data_capture_config=capture)
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)
answer = endpoint.invoke(body="5,1\n0,2\n", content_type="text/csv", accept="application/json")
print("answer:", answer.body.read().decode())
print("capture:", endpoint.refresh().data_capture_config.capture_status)

bucket, key = session.default_bucket(), f"{name}/rows.csv"
s3 = boto3.client("s3")
s3.put_object(Bucket=bucket, Key=key, Body="5,1\n0,2\n")
output = AsyncInferenceOutputConfig(s3_output_path=f"s3://{bucket}/{name}/out")
queued_config = EndpointConfig.create(
    endpoint_config_name=f"{name}-queued",
    production_variants=[variant],
    async_inference_config=AsyncInferenceConfig(output_config=output),
)
queued = Endpoint.create(endpoint_name=f"{name}-queued", endpoint_config_name=f"{name}-queued")
queued.wait_for_status("InService", poll=1)
taken = queued.invoke_async(input_location=f"s3://{bucket}/{key}", content_type="text/csv")
place = {"Bucket": bucket, "Key": taken.output_location.removeprefix(f"s3://{bucket}/")}
s3.get_waiter("object_exists").wait(**place, WaiterConfig={"Delay": 1})
print("queued:", s3.get_object(**place)["Body"].read().decode())

for each in (endpoint, queued):
    each.delete()
    each.wait_for_delete(poll=1)
queued_config.delete()
config.delete()
model.delete()
stored = s3.list_objects_v2(Bucket=bucket, Prefix=f"sdk-3-captured/{name}/AllTraffic/")
print("captured:", stored["KeyCount"])
