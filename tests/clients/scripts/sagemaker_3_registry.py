"""SageMaker Python SDK 3.x: a model registered in a new group, approved, and made a Model again."""

import io
import json
import tarfile
import time

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.resources import Model, ModelPackage, ModelPackageGroup
from sagemaker.core.shapes import ContainerDefinition

iam, name = boto3.client("iam"), f"sdk-3-registry-{time.time_ns()}"
trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

session = Session()
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w:gz"):
    pass
bucket = session.default_bucket()
boto3.client("s3").put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=archive.getvalue())
container = {
    "Image": image_uris.retrieve("linear-learner", session.boto_region_name),
    "ModelDataUrl": f"s3://{bucket}/{name}/model.tar.gz",
}
create_model_package_from_containers(
    session,
    containers=[container],
    content_types=["text/csv"],
    response_types=["text/csv"],
    inference_instances=["ml.m5.large"],
    transform_instances=["ml.m5.large"],
    model_package_group_name=name,
)

group = ModelPackageGroup.get(model_package_group_name=name)
package = ModelPackage.get(model_package_name=f"{name}/1")
print("registered:", group.model_package_group_status, package.model_package_version, package.model_approval_status)
package.update(model_approval_status="Approved")
package.refresh()
print("approved:", package.model_approval_status)
model = Model.create(
    model_name=name,
    primary_container=ContainerDefinition(model_package_name=package.model_package_arn),
    execution_role_arn=role,
)
print("model:", model.primary_container.model_package_name == package.model_package_arn)
model.delete()
