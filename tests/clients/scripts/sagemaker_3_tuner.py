"""SageMaker Python SDK 3.x: HyperparameterTuner tunes the built-in XGBoost, then a script; the best is deployed.

A tuning job of 3.x has the script's folder as 2.x has it, as an archive that the image's own toolkit unpacks.
"""

import time
from pathlib import Path

from abalone import role_of
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

name = f"sdk-3-tuner-{time.time_ns()}"
session = Session()
train = session.upload_data("train.csv", key_prefix=name)
common = {
    "role": role_of(name),
    "compute": Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
    "output_data_config": OutputDataConfig(s3_output_path=f"s3://{session.default_bucket()}/{name}"),
}

image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
trainer = ModelTrainer(training_image=image, hyperparameters={"objective": "binary:logistic", "num_round": 3}, **common)
tuner = HyperparameterTuner(
    trainer,
    "validation:logloss",
    {"eta": ContinuousParameter(0.1, 0.5), "max_depth": IntegerParameter(1, 4)},
    objective_type="Minimize",
    max_jobs=3,
    max_parallel_jobs=3,
    random_seed=7,
    base_tuning_job_name="sdk-3",  # else it has the name of 2.x, to the minute
)
channels = ("train", "validation")
tuner.tune([InputData(channel_name=each, data_source=train, content_type="text/csv") for each in channels])
frame = tuner.analytics().dataframe()
print("tried:", len(frame), sorted(frame.columns))
best = tuner.best_training_job()
print("best:", best == frame.sort_values("FinalObjectiveValue").iloc[0]["TrainingJobName"])
job = HyperParameterTuningJob.get(tuner.latest_tuning_job.hyper_parameter_tuning_job_name)
print("job:", job.hyper_parameter_tuning_job_status, job.best_training_job.training_job_name == best)

Path("source").mkdir()
Path("source/naming.py").write_text("def name(): return 'found'\n")
Path("source/train.py").write_text("""
import argparse
import os

from naming import name

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--rounds", type=int)
arguments = parser.parse_args()
rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv")).read().splitlines()
print(f"{name()} {len(rows)} rows, {arguments.rounds} rounds; score={(arguments.rate - 0.5) ** 2:.6f};")
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("a model")
""")
scripted = HyperparameterTuner(
    ModelTrainer(
        training_image=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
        source_code=SourceCode(source_dir="source", entry_script="train.py"),
        hyperparameters={"rounds": 7},
        **common,
    ),
    "score",
    {"rate": ContinuousParameter(0, 1)},
    metric_definitions=[{"Name": "score", "Regex": "score=([0-9.]+);"}],
    strategy="Random",
    objective_type="Minimize",
    max_jobs=2,
    max_parallel_jobs=2,
)
scripted.tune([InputData(channel_name="train", data_source=train)])
for row in scripted.analytics().dataframe().itertuples():
    print("scored:", abs((float(row.rate) - 0.5) ** 2 - row.FinalObjectiveValue) < 1e-5)

artifact = TrainingJob.get(best).model_artifacts.s3_model_artifacts
builder = ModelBuilder(
    image_uri=image, s3_model_data_url=artifact, role_arn=common["role"], instance_type="ml.m5.large"
)
builder.build(model_name=name)
endpoint = builder.deploy(endpoint_name=name, initial_instance_count=1, wait=False)
endpoint.wait_for_status("InService", poll=1)
answer = endpoint.invoke(body="5,1", content_type="text/csv")
print("answer:", float(answer.body.read()) > 0.5)
endpoint.delete()
