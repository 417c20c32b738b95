"""The SageMaker Python SDK, 2.x and 3.x, as it is."""

import re

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from tests.clients.conftest import Flow

SKLEARN = next(image for image in framework_images() if image.name == "sklearn:1.2-1")
needs_sklearn = pytest.mark.skipif(
    not SKLEARN.has_python or bool(private_folders().problem),
    reason=private_folders().problem or f"{SKLEARN.name} needs Python {SKLEARN.python}",
)


@pytest.mark.flow("sagemaker-2", "sagemaker_2_estimator.py")
def test_sdk_2_trains_with_its_logs_deploys_and_predicts(flow: Flow) -> None:
    flow.require_success()
    assert "Training - Training image download completed. Training in progress." in flow.output
    assert flow.output.count("#quality_metric: host=algo-1, train binary_classification_accuracy") == 2
    assert re.search("model: s3://sagemaker-us-east-1-000000000000/linear-learner-.*/output/model.tar.gz", flow.output)
    assert re.findall(r'"predicted_label": (\d)', flow.output) == ["1", "0"]
    assert re.search(r"train:binary_classification_accuracy +1\.0", flow.output), "the metrics in CloudWatch"


@pytest.mark.flow("sagemaker-2", "sagemaker_2_model.py")
def test_sdk_2_deploys_a_model_of_an_artifact(flow: Flow) -> None:
    flow.require_success()
    answer = re.search(r"answer: \[\['([0-9.]+)'\], \['([0-9.]+)'\]\]", flow.output)
    assert answer, flow.output
    assert float(answer[1]) > 0.5 > float(answer[2])
    assert "captured: ['5,1', '0,2'] CSV" in flow.output


@pytest.mark.flow("sagemaker-2", "sagemaker_2_linear_learner.py")
def test_sdk_2_trains_linear_learner_on_arrays(flow: Flow) -> None:
    flow.require_success()
    assert re.findall("label: (.*)", flow.output) == ["1.0", "0.0"]


@pytest.mark.flow("sagemaker-2", "sagemaker_2_transform.py")
def test_sdk_2_transforms_a_file_and_joins_it_with_its_ids(flow: Flow) -> None:
    flow.require_success()
    assert "[sagemaker logs]: MaxConcurrentTransforms=" in flow.output, "both streams of the job are shown"
    joined = re.findall(r"^joined: (\w+),([0-9.]+)$", flow.output, re.MULTILINE)
    assert [(name, float(score) > 0.5) for name, score in joined] == [("first", True), ("second", False)]


@pytest.mark.flow("sagemaker-2", "sagemaker_2_tuner.py")
def test_sdk_2_tunes_and_deploys_the_best(flow: Flow) -> None:
    flow.require_success()
    assert "tried: 3 ['FinalObjectiveValue', " in flow.output
    assert "best: True" in flow.output
    assert "attached: ml.m5.large True" in flow.output
    assert "answer: True" in flow.output


@needs_sklearn
@pytest.mark.flow("sagemaker-3", "sagemaker_3_tuner.py")
def test_sdk_3_tunes_deploys_the_best_and_tunes_a_script(flow: Flow) -> None:
    flow.require_success()
    assert "tried: 3 ['FinalObjectiveValue', " in flow.output
    assert "best: True" in flow.output
    assert "job: Completed True" in flow.output
    assert flow.output.count("scored: True") == 2
    assert "answer: True" in flow.output


@needs_sklearn
@pytest.mark.flow("sagemaker-2", "sagemaker_2_sklearn.py")
def test_sdk_2_prepares_trains_and_serves_with_scripts(flow: Flow) -> None:
    flow.require_success()
    assert "prepared with 1.2.1" in flow.output
    assert "rows: 100" in flow.output
    assert "a source folder with its modules" in flow.output
    assert re.search(r"batch: \['1(.0)?', '0(.0)?', '1(.0)?'\]", flow.output)
    assert "accuracy: 1.00;" in flow.output
    assert "answer: [1.0, 0.0]" in flow.output or "answer: [1, 0]" in flow.output


@needs_sklearn
@pytest.mark.flow("sagemaker-2", "sagemaker_2_multi_model.py")
def test_sdk_2_serves_many_models_of_one_script(flow: Flow) -> None:
    flow.require_success()
    assert "twice: [[2.0, 4.0]]" in flow.output and "ten times: [[10.0, 20.0]]" in flow.output
    assert "listed: ['times-10.tar.gz', 'times-2.tar.gz']" in flow.output


@pytest.mark.flow("sagemaker-3", "sagemaker_3.py")
def test_sdk_3_trains_deploys_and_predicts(flow: Flow) -> None:
    flow.require_success()
    assert "train binary_classification_accuracy <score>=" in flow.output
    assert re.search("job: Completed s3://sagemaker-us-east-1-000000000000/sdk-3/.*/output/model.tar.gz", flow.output)
    assert "listed: True" in flow.output
    assert re.findall(r'"predicted_label": (\d)', flow.output) == ["1", "0", "1", "0"], "asked directly, then queued"
    assert "capture: Started" in flow.output and "captured: 1" in flow.output


@pytest.mark.flow("sagemaker-3", "sagemaker_3_transform.py")
def test_sdk_3_transforms_a_file_and_joins_it_with_its_ids(flow: Flow) -> None:
    flow.require_success()
    # 3.x asks once which streams there are, and is content with one: which it shows depends on when it asks.
    assert re.search(r"^[\w-]+/[\w-]+(/data-log)?:$", flow.output, re.MULTILINE), "no stream of the job is shown"
    assert "job: Completed" in flow.output
    assert "listed: True" in flow.output
    joined = re.findall(r"^joined: (\w+),([0-9.]+)$", flow.output, re.MULTILINE)
    assert [(name, float(score) > 0.5) for name, score in joined] == [("first", True), ("second", False)]


@needs_sklearn
@pytest.mark.flow("sagemaker-3", "sagemaker_3_source.py")
def test_sdk_3_trains_with_a_source_folder(flow: Flow) -> None:
    flow.require_success()
    assert "trained with 1.2.1 7 400 found" in flow.output
    assert "job: Completed" in flow.output


@pytest.mark.flow("sagemaker-2", "sagemaker_default_bucket.py")
def test_without_the_sdk_defaults_the_sdk_asks_aws_itself(flow: Flow) -> None:
    assert flow.process.returncode != 0
    assert flow.asked_outside == {"sts.us-east-1.amazonaws.com"}


@pytest.mark.flow("sagemaker-2", "sagemaker_2_registry.py")
def test_sdk_2_registers_deploys_and_rejects_versions(flow: Flow) -> None:
    flow.require_success()
    assert len(re.findall(r"model-package/sdk-2-registry-\d+/[12]", flow.output)) >= 2
    answer = re.search(r"answer: \['([0-9.]+)', '([0-9.]+)'\]", flow.output)
    assert answer and float(answer[1]) > 0.5 > float(answer[2]), flow.output
    assert re.search(r"scores: \[.*'([0-9.]+).*'\]", flow.output), flow.output
    assert "status: Approved" in flow.output, "the SDK approves what it deploys"
    assert "versions: [(2, 'Rejected'), (1, 'Rejected')]" in flow.output


@pytest.mark.flow("sagemaker-3", "sagemaker_3_registry.py")
def test_sdk_3_registers_approves_and_makes_a_model(flow: Flow) -> None:
    flow.require_success()
    assert "registered: Completed 1 PendingManualApproval" in flow.output
    assert "approved: Approved" in flow.output
    assert "model: True" in flow.output


@pytest.mark.flow("sagemaker-2", "sagemaker_2_run.py")
def test_sdk_2_logs_a_run_and_reads_it_back(flow: Flow) -> None:
    flow.require_success()
    assert "runs: ['first']" in flow.output
    assert "table: [0.1] [0.125] [3" in flow.output


@pytest.mark.flow("sagemaker-2", "sagemaker_2_async.py")
def test_sdk_2_asks_an_asynchronous_endpoint(flow: Flow) -> None:
    flow.require_success()
    answer = re.search(r"answer: \[\['([0-9.]+)'\], \['([0-9.]+)'\]\]", flow.output)
    assert answer and float(answer[1]) > 0.5 > float(answer[2]), flow.output
    assert "failed: " in flow.output
