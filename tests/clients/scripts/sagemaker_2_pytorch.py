"""SageMaker Python SDK 2.x: a PyTorch script trains on two instances and serves, in AWS's image, unmodified."""

import json
import time
from pathlib import Path

import boto3
import numpy
from botocore.exceptions import ClientError
from sagemaker.processing import ProcessingOutput
from sagemaker.pytorch import PyTorch
from sagemaker.pytorch.processing import PyTorchProcessor

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
iam, name = boto3.client("iam"), f"sdk-2-{time.time_ns()}"
role = iam.create_role(
    RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
)["Role"]["Arn"]
iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

Path("source").mkdir()
Path("source/train.py").write_text("""
import argparse
import json
import os

import numpy
import torch
import torch.distributed


def model_fn(model_dir):
    model = torch.nn.Linear(2, 1)
    model.load_state_dict(torch.load(os.path.join(model_dir, "weights.pth"), weights_only=True))
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    hosts, host = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
    torch.distributed.init_process_group("gloo", rank=hosts.index(host), world_size=len(hosts))
    if arguments.epochs < 0:
        raise ValueError("there is no such number of epochs")
    rows = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), delimiter=",", dtype="float32")
    rows = torch.from_numpy(rows)[hosts.index(host) :: len(hosts)]
    torch.manual_seed(1)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(arguments.epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(rows[:, 1:]).squeeze(), rows[:, 0])
        loss.backward()
        optimizer.step()
    weights = [torch.empty(1, 2) for _ in hosts]
    torch.distributed.all_gather(weights, model.module.weight.data)
    print("hosts agree:", all(torch.equal(each, weights[0]) for each in weights), "loss:", loss.item())
    if host == hosts[0]:
        torch.save(model.module.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "weights.pth"))
    torch.distributed.destroy_process_group()
""")

settings = {"entry_point": "train.py", "source_dir": "source", "framework_version": "2.5.1", "py_version": "py311"}
machines = {"role": role, "instance_count": 2, "instance_type": "ml.m5.large"}
Path("preparation").mkdir()
Path("preparation/prepare.py").write_text("""
import torch
from ones import ones

open("/opt/ml/processing/output/sum", "w").write(str(ones(3).sum().item()))
""")
Path("preparation/ones.py").write_text("import torch\ndef ones(count): return torch.ones(count)\n")
processor = PyTorchProcessor(framework_version="2.5.1", py_version="py311", **(machines | {"instance_count": 1}))
output = ProcessingOutput(output_name="sum", source="/opt/ml/processing/output")
processor.run(code="prepare.py", source_dir="preparation", outputs=[output], wait=False, logs=False)

estimator = PyTorch(hyperparameters={"epochs": 60}, **settings, **machines)
train = estimator.sagemaker_session.upload_data("train.csv", key_prefix="sdk-2-pytorch")
estimator.fit({"train": train})
predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large")
print("answer:", [row[0] > 0 for row in predictor.predict(numpy.array([[5, 1], [0, 2]], dtype="float32"))])

processor.latest_job.wait(logs=False)
bucket, key = processor.latest_job.outputs[0].destination.removeprefix("s3://").split("/", 1)
print("prepared:", boto3.client("s3").get_object(Bucket=bucket, Key=f"{key}/sum")["Body"].read())

runtime = boto3.client("sagemaker-runtime")


def invoke(content_type: str, accept: str, body: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName=predictor.endpoint_name, ContentType=content_type, Accept=accept, Body=body
    )
    return answer["ContentType"] + " " + " ".join(answer["Body"].read().decode().split())


print("json:", invoke("application/json", "application/json", "[[5, 1]]"))
print("csv:", invoke("text/csv", "text/csv", "5,1\n0,2\n"))
try:
    invoke("application/xml", "application/json", "<x/>")
except ClientError as error:
    print("xml:", error.response["OriginalStatusCode"], error.response["OriginalMessage"][:70])
predictor.delete_model()
predictor.delete_endpoint()

try:
    PyTorch(hyperparameters={"epochs": -1}, **settings, **(machines | {"instance_count": 1})).fit({"train": train})
except Exception as error:
    print("failure:", " ".join(str(error).split()))
