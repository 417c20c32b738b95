"""SageMaker Python SDK 2.x: its LinearLearner class, which stores arrays as RecordIO and answers with records."""

import json
import time

import boto3
import numpy
import sagemaker

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-linear-learner-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

rows = numpy.loadtxt("train.csv", delimiter=",", dtype="float32")
labels, features = rows[:, 0], rows[:, 1:]

linear_learner = sagemaker.LinearLearner(
    role=role, instance_count=1, instance_type="ml.m5.large", predictor_type="binary_classifier", epochs=3
)
linear_learner.fit(linear_learner.record_set(features, labels=labels), logs=False)

predictor = linear_learner.deploy(initial_instance_count=1, instance_type="ml.m5.large", wait=False)
linear_learner.sagemaker_session.wait_for_endpoint(predictor.endpoint_name, poll=1)
for record in predictor.predict(numpy.array([[5, 1], [0, 2]], dtype="float32")):
    print("label:", record.label["predicted_label"].float32_tensor.values[0])

predictor.delete_model()
predictor.delete_endpoint()
