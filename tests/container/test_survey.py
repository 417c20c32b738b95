"""On the real survey each algorithm is as good as the library that everyone knows, whatever the split."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.container.conftest import Table, TrainingRun

AIRLINE = os.environ.get("PREFLIGHT_AIRLINE_CSV")
SPLITS = [1, 2, 3]

pytestmark = pytest.mark.skipif(AIRLINE is None, reason="PREFLIGHT_AIRLINE_CSV names no file")


@pytest.fixture(scope="module", params=SPLITS)
def survey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """The survey's 22 columns as numbers, split by a seed."""
    folder = tmp_path_factory.mktemp("survey")
    command = [sys.executable, "-m", "data_prep", str(AIRLINE), "--seed", str(request.param), "--output", str(folder)]
    subprocess.run(command, check=True, timeout=300)
    train, test = (np.loadtxt(folder / f"{name}_aws.csv", delimiter=",") for name in ("train", "test"))
    return Table(train[:, 0], train[:, 1:], test[:, 0], test[:, 1:])


def test_linear_learner_is_as_accurate_as_logistic_regression(training_run: Callable[..., TrainingRun], survey: Table):
    library = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(survey.features, survey.labels)
    run = training_run("linear-learner")
    run.channel("train", survey.csv())
    run.channel("test", survey.csv(held_out=True))

    run.run(predictor_type="binary_classifier")

    accuracy = library.score(survey.held_out_features, survey.held_out_labels)
    assert run.metric("test", "binary_classification_accuracy") >= accuracy - 0.005


def test_linear_learner_reaches_the_target_recall_where_it_is_calibrated(
    training_run: Callable[..., TrainingRun], survey: Table
):
    run = training_run("linear-learner")
    run.channel("train", survey.csv())
    run.channel("validation", survey.csv(held_out=True))

    run.run(
        predictor_type="binary_classifier",
        binary_classifier_model_selection_criteria="precision_at_target_recall",
        target_recall="0.9",
    )

    assert run.metric("validation", "recall") >= 0.9
    assert run.metric("validation", "precision") > 0.65  # the best there is, not the threshold 0 that reaches all


def test_xgboost_is_as_accurate_as_the_library(training_run: Callable[..., TrainingRun], survey: Table):
    run = training_run("xgboost")
    run.channel("train", survey.csv())
    run.channel("validation", survey.csv(held_out=True))

    run.run(num_round="50", objective="binary:logistic", eval_metric="error")

    error = float(next(line for line in run.log.splitlines() if line.startswith("[49]")).rpartition(":")[2])
    matrix = xgboost.DMatrix(survey.features, survey.labels)
    direct = xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, num_boost_round=50)
    predicted = direct.predict(xgboost.DMatrix(survey.held_out_features)) > 0.5
    assert 1 - error == pytest.approx(np.mean(predicted == survey.held_out_labels), abs=0.005)
