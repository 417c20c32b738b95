"""``python -m benchmarks.soak`` (``make soak``): what a stack holds after many jobs, endpoints and calls.

Whatever has ended holds nothing: what the stack's process has open, its threads, children, connections and folders must
be no more at the end than after the first tenth. Memory is shown beside them; what a list of ended jobs shows is kept.
"""

import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import click
import psutil
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
AT_ONCE = 4
MEASURED = ("open files", "threads", "children", "connections", "folders", "MB")
SETTLE_SECONDS = 8.0  # idle connections end, LocalStack's garbage is collected

console = Console(soft_wrap=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", default=1000, show_default=True)
@click.option("--endpoints", default=300, show_default=True)
@click.option("--calls", default=20_000, show_default=True)
def main(jobs: int, endpoints: int, calls: int) -> None:
    """Run jobs, endpoints and calls on a stack of their own, and show what it holds after each tenth of them."""
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(port=free_port(), home=Path(home))
        stack.up()
        try:
            flow = Flow(stack)
            kinds: tuple[tuple[str, int, Callable[[int], None]], ...] = (
                ("training jobs", jobs, flow.job),
                ("endpoints", endpoints, flow.endpoint),
                ("calls of an endpoint", calls, flow.caller() if calls else flow.job),
            )
            for name, count, do in kinds:
                if count:
                    soak(stack, name, count, do)
        finally:
            stack.down()


def soak(stack: Stack, name: str, count: int, do: Callable[[int], None]) -> None:
    """Do it ``count`` times, and print what the stack holds after each tenth."""
    table = Table(name, *MEASURED)
    tenth = max(1, count // 10)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in range(0, count, tenth):
            list(pool.map(do, range(done, min(count, done + tenth))))
            time.sleep(SETTLE_SECONDS)
            table.add_row(str(min(count, done + tenth)), *held(stack))
    console.print(table)


def held(stack: Stack) -> list[str]:
    """In the order of MEASURED."""
    process = stack.process()
    assert process is not None
    service = stack.folder / "sagemaker"
    return [
        str(process.num_fds()),
        str(process.num_threads()),
        str(len(process.children(recursive=True))),
        str(sum(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections())),
        str(sum(path.is_dir() for path in service.rglob("*")) if service.exists() else 0),
        f"{process.memory_info().rss / 1e6:.0f}",
    ]


class Flow:
    """What is done again and again, with the role, the data and the model that it needs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sagemaker = self._client("sagemaker")
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam = self._client("iam")
        self._role = iam.create_role(RoleName="soak", AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName="soak", PolicyName="all", PolicyDocument=_policy(allow))
        s3 = self._client("s3")
        s3.create_bucket(Bucket="soak")
        rows = "\n".join(f"{i % 2},{(i % 2) * 4 + i % 3},{i % 5}" for i in range(200))
        s3.put_object(Bucket="soak", Key="data/train.csv", Body=rows.encode())

        self._trained = "soak-model"
        self._train(self._trained)

    def job(self, number: int) -> None:
        """A training job, from its creation to its end."""
        self._train(f"soak-{number}")

    def _train(self, name: str) -> None:
        """Raises RuntimeError if it does not complete."""
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://soak/data/"}
        channel = {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        self._sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=self._role,
            InputDataConfig=[channel],
            OutputDataConfig={"S3OutputPath": "s3://soak/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            HyperParameters={"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "1"},
        )
        ended = self._wait(lambda: self._sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")
        if ended["TrainingJobStatus"] != "Completed":
            raise RuntimeError(f"{name}: {ended.get('FailureReason')}")

    def endpoint(self, number: int) -> None:
        """An endpoint, from its creation until it is gone."""
        name = f"soak-endpoint-{number}"
        self._deploy(name)
        self._sagemaker.delete_endpoint(EndpointName=name)
        while any(e["EndpointName"] == name for e in self._sagemaker.list_endpoints(NameContains=name)["Endpoints"]):
            time.sleep(0.05)
        self._sagemaker.delete_endpoint_config(EndpointConfigName=name)
        self._sagemaker.delete_model(ModelName=name)

    def caller(self) -> Callable[[int], None]:
        """What calls an endpoint that is there from now on."""
        self._deploy("soak-calls")
        runtime = self._client("sagemaker-runtime")

        def call(number: int) -> None:
            runtime.invoke_endpoint(EndpointName="soak-calls", ContentType="text/csv", Body="1,2")["Body"].read()

        return call

    def _deploy(self, name: str) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://soak/output/{self._trained}/output/model.tar.gz"}
        self._sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self._role)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self._sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        ended = self._wait(lambda: self._sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")
        if ended["EndpointStatus"] != "InService":
            raise RuntimeError(f"{name}: {ended.get('FailureReason')}")

    def _wait(self, describe: Callable[[], dict[str, Any]], status: str) -> dict[str, Any]:
        while (description := describe())[status] in ("InProgress", "Creating"):
            time.sleep(0.1)
        return description

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._stack.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=AT_ONCE, retries={"max_attempts": 0}),
        )


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


if __name__ == "__main__":
    main()
