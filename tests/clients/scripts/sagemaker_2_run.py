"""SageMaker Python SDK 2.x: a Run with parameters, metrics and a file, found again by load_run and the analytics."""

import time
from pathlib import Path

import sagemaker
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.experiments.run import Run, list_runs, load_run

session = sagemaker.Session()
name = f"sdk-2-run-{time.time_ns()}"
Path("notes.txt").write_text("hello")
with Run(experiment_name=name, run_name="first", sagemaker_session=session) as run:
    run.log_parameters({"eta": 0.1, "kind": "a"})
    for step, loss in enumerate((0.5, 0.25)):
        run.log_metric("loss", loss, step=step)
    run.log_file("notes.txt", name="notes", is_output=True)
with load_run(experiment_name=name, run_name="first", sagemaker_session=session) as run:
    run.log_metric("loss", 0.125, step=2)

print("runs:", [each.run_name for each in list_runs(name, sagemaker_session=session)])
table = ExperimentAnalytics(experiment_name=name, sagemaker_session=session).dataframe()
print("table:", table["eta"].tolist(), table["loss - Last"].tolist(), table["loss - Count"].tolist())
