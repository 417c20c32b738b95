"""``preflight exec``: a command as on a SageMaker notebook instance.

There both SDKs read the execution role in a file (``get_execution_role()``); elsewhere they ask AWS for it.
https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-metadata.html
"""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from preflight.client_environment import client_environment
from preflight.sagemaker.launching.process.guarded_process import GUARD, View
from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.stack import Stack, StackError

METADATA = "/opt/ml/metadata"
START = Path(__file__).with_name("notebook_start")  # a Python begins with its module
INSTANCE_NAME = "preflight"
DOMAIN_ID = "d-preflight"  # without one sagemaker-core 1.x asks DescribeNotebookInstance for the role, not the file
ROLE_NAME = "AmazonSageMaker-ExecutionRole-Preflight"
POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess")


def become(stack: Stack, command: Sequence[str]) -> NoReturn:
    """Be ``command`` from here on, with the stack's variables and a metadata file of its own.

    Raises:
        StackError: this machine gives processes no folders of their own, or the stack has no IAM.
    """
    if limitation := private_folders().limitation:
        raise StackError(limitation)
    environment = {**os.environ, **client_environment(stack.endpoint_url)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(START), os.environ.get("PYTHONPATH")]))
    folder = stack.folder / "notebook"
    folder.mkdir(exist_ok=True)
    try:
        role = _role(stack, environment)
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"The notebook's execution role cannot be made: {error}") from error
    arn = f"arn:aws:sagemaker:{environment['AWS_REGION']}:000000000000:notebook-instance/{INSTANCE_NAME}"
    metadata = {"ResourceArn": arn, "ResourceName": INSTANCE_NAME, "ExecutionRoleArn": role, "DomainId": DOMAIN_ID}
    (folder / "resource-metadata.json").write_text(json.dumps(metadata))
    options = View(binds={METADATA: folder}).options()
    os.execve(
        sys.executable, [sys.executable, "-I", "-S", str(GUARD), *options, "--become", "--", *command], environment
    )


def _role(stack: Stack, environment: dict[str, str]) -> str:
    """The ARN of the notebook's role, which is made if it is not there."""
    iam = boto3.client(
        "iam",
        endpoint_url=stack.endpoint_url,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=ROLE_NAME,
            Path="/service-role/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
    for policy in POLICIES:
        iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    arn: str = iam.get_role(RoleName=ROLE_NAME)["Role"]["Arn"]
    return arn
