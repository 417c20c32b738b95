"""A job that cannot succeed says which file, record and value is to blame."""

import signal

import pytest

GOOD = "1,2,3\n0,4,5\n1,2,3\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("1,2,3\n0,abc,5\n", "file /opt/ml/input/data/train/part-0, line 2, column 2: 'abc' is not a number."),
        ("1,2,3\n0,4\n", "line 2: this row has 2 columns, the first row 3."),
        ("1,2,3\n0,,5\n", "line 2, column 2: the value is empty"),
        ("1,2,3\n2,4,5\n", "file /opt/ml/input/data/train/part-0, record 2, column 1 is 2; it must be 0 or 1"),
        (
            "1,2,3,4\n0,1,2,3\n",
            "have 3 features (file /opt/ml/input/data/train/part-0, record 1), but feature_dim is 2.",
        ),
        ("1,2,nan\n", "'nan' is not a finite"),
        ("label,a,b\n1,2,3\n", "line 1, column 1: 'label' is not a number."),
        ("", "No data in train channel"),
        (b"\xff\xfe1,2", "the text is not UTF-8."),
    ],
)
def test_bad_data_is_named(training_run, data, message):
    run = training_run()
    run.channel("train", data)

    run.run(predictor_type="binary_classifier", feature_dim="2")

    assert run.exit_code == 2
    assert message in run.failure
    assert not list(run.model.iterdir())


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters", "message"),
    [
        ("linear-learner", {}, "No value(s) were specified for 'predictor_type'"),
        ("linear-learner", {"predictor_type": "binary_classifier", "foo": "1"}, "Extraneous hyperparameter found: foo"),
        ("linear-learner", {"predictor_type": "multiclass_classifier"}, "num_classes"),
        ("linear-learner", {"predictor_type": "regressor", "loss": "logistic"}, "loss: 'logistic' does not go with"),
        (
            "linear-learner",
            {"predictor_type": "regressor", "epochs": "0"},
            "Hyperparameter epochs: 0 is not in [1, +inf)",
        ),
        ("xgboost", {}, "Missing required hyperparameter: num_round"),
        ("xgboost", {"num_round": "2", "objective": "multi:softmax"}, "num_class"),
        ("xgboost", {"num_round": "2", "_kfold": "2"}, "_kfold is not supported by Preflight yet"),
        ("xgboost", {"num_round": "2", "_foo": "2"}, "Extraneous hyperparameter found: _foo"),
        ("xgboost", {"num_round": "2", "silent": "1"}, "Extraneous hyperparameter found: silent"),
        ("xgboost", {"num_round": "2", "eval_metric": "auc, error"}, "eval_metric: value ['auc', ' error'] not in"),
        ("xgboost", {"num_round": "2", "_tuning_objective_metric": "train:auc"}, "train:auc is not in ['validation:"),
        ("xgboost", {"num_round": "2", "sagemaker_program": '"train.py"'}, "script mode (sagemaker_program) is not"),
        ("xgboost", {"num_round": "2", "eta": "2"}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ("xgboost", {"num_round": "2.0"}, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
        ("xgboost", {"num_round": "2", "booster": "x"}, "booster: x is not in ['gbtree', 'gblinear', 'dart']"),
        ("xgboost", {"num_round": "2", "eval_metric": "auc,x"}, "eval_metric: value ['auc', 'x'] not in range ['acc"),
        ("xgboost", {"num_round": "2", "eval_metric": "rmse@2"}, "Metric 'rmse@2' is not supported."),
        ("xgboost", {"num_round": "2", "updater": "shotgun"}, "Tree updater should be selected from these options"),
        ("xgboost", {"num_round": "2", "booster": "gblinear", "updater": "prune"}, "Linear updater should be one of"),
    ],
)
def test_a_bad_hyperparameter_is_named(training_run, algorithm, hyperparameters, message):
    run = training_run(algorithm)
    run.channel("train", GOOD)

    run.run(**hyperparameters)

    assert run.exit_code == 2
    assert message in run.failure


def test_an_unreadable_content_type_or_channel_is_named(training_run):
    run = training_run()
    for content_type in ("text/libsvm", "csv"):
        run.channel("train", GOOD, content_type=content_type)
        run.run(predictor_type="regressor")
        assert f"No iterator has been registered for ContentType ('{content_type}', '1.0')" in run.failure

    run = training_run("xgboost")
    run.channel("train", GOOD)
    run.channel("test", GOOD)
    assert "Extraneous channel found: test" in run.run(num_round="2").failure


def test_a_job_that_diverges_says_what_to_change(training_run):
    run = training_run()
    run.channel("train", "1e30,1,3\n-1e30,2,5\n" * 50)

    run.run(predictor_type="regressor", optimizer="sgd", learning_rate="1e30", normalize_label="false", num_models="4")

    assert (run.exit_code, run.failure[:17]) == (2, "Training diverged")
    assert "Use a smaller learning_rate" in run.failure


@pytest.mark.parametrize("name", ["hyperparameters", "inputdataconfig", "resourceconfig", "checkpointconfig"])
def test_a_broken_configuration_file_is_named(training_run, name):
    run = training_run("xgboost")
    run.channel("train", GOOD)
    process = run.start({"num_round": "2"}, **{name: "[]"})
    log, _ = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in log) == (1, False)
    assert run.failure == f"/opt/ml/input/config/{name}.json must hold a JSON object."


def test_sigterm_ends_a_job_without_a_failure(training_run):
    run = training_run()
    run.channel("train", GOOD * 20000)
    process = run.start(
        {"predictor_type": "binary_classifier", "epochs": "100000", "early_stopping_patience": "200000"}
    )
    next(line for line in process.stdout if "epoch=0" in line)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 143
    assert not (run.base / "output/failure").exists()
