"""What tuning finds, and what trials at the same time save.

    python -m benchmarks.tuning [SEEDS]

The search alone: Bayesian beside Random on functions whose least value is known, over fixed seeds, four at a time.
Then the whole: twenty trials of XGBoost on a stack of its own, four at a time beside one after the other, in one run.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from benchmarks import serving
from preflight.environments import stack_python
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

SEEDS, TRIALS, PARALLEL = 20, 20, 4
REPOSITORY = Path(__file__).resolve().parent.parent
BUCKET = "benchmark"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROWS = 2000

# Prints by function and strategy how far above the least value the best of the trials is, for each seed.
SEARCH = """
import json, math, sys
from preflight.sagemaker.tuning.search_space import LINEAR, ContinuousDimension, SearchSpace
from preflight.sagemaker.tuning.strategy import Search, make_strategy
seeds, trials, parallel = map(int, sys.argv[1:])
def branin(x, y):
    curve = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.39788735772973816
def bowl(*place):
    return sum((each - 0.3) ** 2 for each in place)
FUNCTIONS = {
    "Branin": (branin, {"x": (-5, 10), "y": (0, 15)}),
    "bowl of four": (bowl, {name: (0, 1) for name in "abcd"}),
}
def best(function, ends, name, seed):
    space = SearchSpace(tuple(ContinuousDimension(key, *pair, LINEAR) for key, pair in ends.items()))
    strategy = make_strategy(name, Search(space, False, seed))
    found = []
    while len(found) < trials:
        for number, values in [strategy.suggest() for _ in range(min(parallel, trials - len(found)))]:
            found.append(function(*map(float, values.values())))
            strategy.tell(number, found[-1])
    return min(found)
print(json.dumps({
    title: {name: [best(*made, name, seed) for seed in range(seeds)] for name in ("Random", "Bayesian")}
    for title, made in FUNCTIONS.items()
}))
"""


def report(console: Console, seeds: int) -> None:
    table = Table("function", "Random, median above the least", "Bayesian", "seeds that Bayesian wins")
    printed = subprocess.run(
        [stack_python(), "-c", SEARCH, str(seeds), str(TRIALS), str(PARALLEL)],
        env={"PYTHONPATH": str(REPOSITORY / "local")},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    for function, found in json.loads(printed).items():
        wins = sum(ours < other for ours, other in zip(found["Bayesian"], found["Random"], strict=True))
        medians = (f"{median(found[name]):.4g}" for name in ("Random", "Bayesian"))
        table.add_row(function, *medians, f"{wins} of {seeds}")
    console.print(table)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(port=free_port(), home=Path(folder) / "home")
        try:
            stack.up()
            together, alone = _seconds(stack)
        finally:
            stack.down()
    console.print(
        f"{TRIALS} trials: {together:.1f} s with {PARALLEL} at a time, {alone:.1f} s one after the other: "
        f"{together / alone:.2f} of it"
    )


def _seconds(stack: Stack) -> tuple[float, float]:
    """Of the trials at the same time, and one after the other; a first tuning job has warmed what there is to warm."""
    session = boto3.Session("000000000000", "test", region_name="us-east-1")
    sagemaker, s3, iam = (session.client(name, endpoint_url=stack.endpoint_url) for name in ("sagemaker", "s3", "iam"))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train.csv", Body=serving._csv(ROWS, labelled=True))
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role: str = iam.create_role(RoleName="tuning", AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    allowed = _policy({"Effect": "Allow", "Action": ["s3:*", "logs:*", "cloudwatch:*"], "Resource": "*"})
    iam.put_role_policy(RoleName="tuning", PolicyName="inline", PolicyDocument=allowed)
    _tune(sagemaker, role, 2, 2)
    return _tune(sagemaker, role, TRIALS, PARALLEL), _tune(sagemaker, role, TRIALS, 1)


def _tune(sagemaker: Any, role: str, trials: int, parallel: int) -> float:
    """From the creation of a tuning job to its end."""
    name = f"bench-{time.time_ns()}"
    channels = [
        {
            "ChannelName": channel,
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train.csv"}},
        }
        for channel in ("train", "validation")
    ]
    eta = {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}
    started = time.perf_counter()
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:logloss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": {"ContinuousParameterRanges": [eta]},
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "20"},
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "InputDataConfig": channels,
            "RoleArn": role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )
    while True:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.05)
    if job["TrainingJobStatusCounters"]["Completed"] != trials:
        raise SystemExit(f"The tuning job ended so: {job}")
    return time.perf_counter() - started


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


if __name__ == "__main__":
    report(Console(soft_wrap=True), int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
