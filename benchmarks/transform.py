"""What batch transform costs: rows a second beside the algorithm's own work on the same rows in one process.

    python -m benchmarks.transform [ROWS]

For each algorithm a transform job over one object, MultiRecord, on a stack of its own. Beside it, in one process: the
algorithm's predict on arrays, and its container's whole work, from CSV to the answer, without HTTP or S3. Then a job's
own cost: one row, from its creation to its end. The ratios are of one run.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import boto3
from rich.console import Console
from rich.table import Table

from benchmarks import serving
from preflight.environments import stack_python
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

ROWS = 1_000_000
BLOCK_ROWS = 10_000  # the object repeats them
SMALL_JOBS = 5
IMAGES = {
    "linear-learner": ("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", "application/jsonlines"),
    "xgboost": ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0", "text/csv"),
}
BUCKET = "benchmark"

# Prints the seconds of predict on arrays, and those of the container's own work.
ONE_PROCESS = """
import io, json, os, sys, time
from pathlib import Path
import numpy as np
from preflight_container.serve import load_predictor
folder, algorithm, rows, accept = sys.argv[1:]
environ = {"SAGEMAKER_BATCH": "true"}
predictor = load_predictor(Path(folder, "model"), algorithm, environ)
block = Path(folder, "block.csv").read_bytes()
count = block.count(b"\\n")
times = int(rows) // count
array = np.tile(np.loadtxt(io.BytesIO(block), delimiter=",", dtype=np.float32), (times, 1))
def predict():
    if algorithm == "xgboost":
        return predictor._models[0].predict(array)
    scores = predictor._model.scores(array)
    return scores, predictor._model.predicted_labels(scores)
per_payload = (6 << 20) // len(block)
payload = block * per_payload
def work():
    for _ in range(times // per_payload):
        predictor.invoke(payload, "text/csv", accept)
    predictor.invoke(block * (times % per_payload or 1), "text/csv", accept)
seconds = []
for run in (predict, work):
    started = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - started)
print(json.dumps(seconds))
"""


def report(console: Console, rows: int) -> None:
    table = Table("algorithm", "what", "seconds", "rows/s", "of predict", "of the container's work")
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(port=free_port(), home=Path(folder) / "home")
        try:
            stack.up()
            for algorithm in IMAGES:
                _compare(table, stack, Path(folder) / algorithm, algorithm, rows)
        finally:
            stack.down()
    console.print(table)


def _compare(table: Table, stack: Stack, base: Path, algorithm: str, rows: int) -> None:
    serving._trained(base, algorithm)
    block = serving._csv(BLOCK_ROWS, labelled=False) + b"\n"
    (base / "block.csv").write_bytes(block)
    _, accept = IMAGES[algorithm]
    printed = subprocess.run(
        [stack_python(), "-c", ONE_PROCESS, str(base), algorithm, str(rows), accept],
        env=serving._program(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    predict, work = json.loads(printed)
    job = _Jobs(stack, base, algorithm)
    small = min(job.seconds("small", block[: block.index(b"\n") + 1]) for _ in range(SMALL_JOBS))
    whole = job.seconds("whole", block * (rows // BLOCK_ROWS))
    for what, seconds in (("predict on arrays", predict), ("container's work", work), ("transform job", whole)):
        table.add_row(
            algorithm,
            what,
            f"{seconds:.2f}",
            f"{rows / seconds:,.0f}",
            f"{predict / seconds:.2f}",
            f"{work / seconds:.2f}",
        )
    table.add_row(algorithm, "job of one row", f"{small:.2f}", "", "", "")


class _Jobs:
    """Transform jobs over a model of ``algorithm`` that lies below ``base``."""

    def __init__(self, stack: Stack, base: Path, algorithm: str) -> None:
        self._algorithm = algorithm
        session = boto3.Session("000000000000", "test", region_name="us-east-1")
        self._sagemaker, self._s3, iam = (
            session.client(service, endpoint_url=stack.endpoint_url) for service in ("sagemaker", "s3", "iam")
        )
        self._image, self._accept = IMAGES[algorithm]
        self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_object(Bucket=BUCKET, Key=f"{algorithm}/model.tar.gz", Body=_packed(base / "model"))
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=algorithm, AssumeRolePolicyDocument=_policy(trust))["Role"]
        allowed = _policy({"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"})
        iam.put_role_policy(RoleName=algorithm, PolicyName="inline", PolicyDocument=allowed)
        container = {"Image": self._image, "ModelDataUrl": f"s3://{BUCKET}/{algorithm}/model.tar.gz"}
        self._sagemaker.create_model(ModelName=algorithm, PrimaryContainer=container, ExecutionRoleArn=role["Arn"])

    def seconds(self, name: str, body: bytes) -> float:
        """From the creation of a job over ``body`` to its end."""
        key = f"{self._algorithm}/{name}.csv"
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        job = f"{self._algorithm}-{time.time_ns()}"
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{key}"}
        started = time.perf_counter()
        self._sagemaker.create_transform_job(
            TransformJobName=job,
            ModelName=self._algorithm,
            BatchStrategy="MultiRecord",
            TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
            TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out", "Accept": self._accept, "AssembleWith": "Line"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
        while True:
            description = self._sagemaker.describe_transform_job(TransformJobName=job)
            if description["TransformJobStatus"] != "InProgress":
                break
            time.sleep(0.02)
        if description["TransformJobStatus"] != "Completed":
            raise SystemExit(f"The transform job ended {description['TransformJobStatus']}: {description}")
        return time.perf_counter() - started


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in folder.iterdir():
            tar.add(path, arcname=path.name)
    return buffer.getvalue()


if __name__ == "__main__":
    report(Console(soft_wrap=True), int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
