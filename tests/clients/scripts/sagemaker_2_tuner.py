"""SageMaker Python SDK 2.x: HyperparameterTuner tunes the built-in XGBoost, shows what it tried, deploys the best."""

import json
import time

import boto3
import sagemaker
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
data = TrainingInput(session.upload_data("train.csv", key_prefix="sdk-2-tuner"), content_type="text/csv")
estimator = Estimator(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    hyperparameters={"objective": "binary:logistic", "num_round": "3"},
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    "validation:logloss",
    {"eta": ContinuousParameter(0.1, 0.5), "max_depth": IntegerParameter(1, 4)},
    objective_type="Minimize",
    max_jobs=3,
    max_parallel_jobs=3,
)
tuner.fit({"train": data, "validation": data})
frame = tuner.analytics().dataframe()
print("tried:", len(frame), sorted(frame.columns))
print("best:", tuner.best_training_job() == frame.sort_values("FinalObjectiveValue").iloc[0]["TrainingJobName"])
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
print("attached:", attached.estimator.instance_type, attached.best_training_job() == tuner.best_training_job())

predictor = attached.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answer = predictor.predict("5,1", initial_args={"ContentType": "text/csv"})
print("answer:", float(answer) > 0.5)
predictor.delete_endpoint()
