"""SageMaker Python SDK 2.x: two versions of a model registered in a new group; one is deployed, and then rejected."""

import json
import time
from pathlib import Path

import boto3
import sagemaker
from sagemaker import ModelPackage
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.metadata_properties import MetadataProperties
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-registry-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = sagemaker.Session()
image = sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
estimator = Estimator(image, role, instance_count=1, instance_type="ml.m5.large")
estimator.set_hyperparameters(objective="binary:logistic", num_round=3)
train = session.upload_data("train.csv", key_prefix="sdk-2-registry")
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, wait=False)
session.wait_for_job(estimator.latest_training_job.name, poll=1)

model = Model(image, model_data=estimator.model_data, role=role, sagemaker_session=session)
registered = {
    "content_types": ["text/csv"],
    "response_types": ["text/csv"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
    "model_package_group_name": name,
}
first = model.register(**registered, metadata_properties=MetadataProperties(commit_id="abc"))
second = model.register(**registered, approval_status="Rejected", customer_metadata_properties={"team": "a"})
print("registered:", first.model_package_arn, second.model_package_arn)

Path("rows.csv").write_text("5,1\n0,2\n")
package = ModelPackage(role, model_package_arn=first.model_package_arn, sagemaker_session=session)
package.predictor_cls = Predictor
package.deploy(1, "ml.m5.large", endpoint_name=name, wait=False)
session.wait_for_endpoint(name, poll=1)
print("answer:", Predictor(name, session, CSVSerializer()).predict([[5, 1], [0, 2]]).decode().split())
print("status:", session.sagemaker_client.describe_model_package(ModelPackageName=f"{name}/1")["ModelApprovalStatus"])
scores = f"s3://{session.default_bucket()}/{name}"
transformer = package.transformer(1, "ml.m5.large", output_path=scores, accept="text/csv")
rows = session.upload_data("rows.csv", key_prefix=name)
transformer.transform(rows, content_type="text/csv", split_type="Line", logs=False)
print("scores:", session.read_s3_file(session.default_bucket(), f"{name}/rows.csv.out").split())
package.update_approval_status(approval_status="Rejected", approval_description="too old")
versions = session.sagemaker_client.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
print("versions:", [(each["ModelPackageVersion"], each["ModelApprovalStatus"]) for each in versions])

session.delete_endpoint(name)
session.delete_endpoint_config(name)
package.delete_model()
