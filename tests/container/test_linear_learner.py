"""Linear Learner's jobs: as good as scikit-learn, in AWS's words, in AWS's artifact."""

import io
import json
import os
import re
import struct
import subprocess
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from preflight.sagemaker.training.metrics import BUILTIN_METRICS
from preflight_container.formats.record_pb2 import Record
from preflight_container.formats.recordio_protobuf import frame_record
from preflight_container.linear_learner.mxnet_params import load_params


def logistic_accuracy(table):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(table.features, table.labels)
    return model.score(table.held_out_features, table.held_out_labels)


def test_a_binary_job_is_as_accurate_as_logistic_regression(linear_run, cancer):
    accuracy = linear_run.metric("test", "binary_classification_accuracy")
    assert accuracy > logistic_accuracy(cancer) - 0.015  # two of the 143 held-out rows


def test_a_multiclass_job_is_as_accurate_as_logistic_regression(training_run, wine):
    run = training_run()
    run.channel("train", wine.csv())
    run.channel("test", wine.csv(held_out=True))

    run.run(predictor_type="multiclass_classifier", num_classes="3", balance_multiclass_weights="true")

    assert run.exit_code == 0, run.log
    assert run.metric("test", "multiclass_accuracy") > logistic_accuracy(wine) - 0.03  # one row


def test_a_regression_job_is_as_good_as_least_squares(training_run, diabetes):
    run = training_run()
    run.channel("train", diabetes.csv())
    run.channel("test", diabetes.csv(held_out=True))

    run.run(predictor_type="regressor")

    predicted = LinearRegression().fit(diabetes.features, diabetes.labels).predict(diabetes.held_out_features)
    assert run.metric("test", "rmse") < 1.03 * np.sqrt(np.mean((predicted - diabetes.held_out_labels) ** 2))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "hinge_loss", "optimizer": "sgd", "learning_rate": "0.01"},
        {"optimizer": "rmsprop", "normalize_data": "true", "unbias_data": "false", "init_method": "normal"},
        {"positive_example_weight_mult": "auto", "binary_classifier_model_selection_criteria": "f_beta", "f_beta": "2"},
        {"num_models": "1", "wd": "0.01", "l1": "0.001", "use_lr_scheduler": "false", "mini_batch_size": "20"},
    ],
)
def test_every_way_to_train_learns(training_run, cancer, settings):
    run = training_run()
    run.channel("train", cancer.csv())

    run.run(predictor_type="binary_classifier", **settings)

    assert run.exit_code == 0, run.log
    assert run.metric("train", "binary_classification_accuracy") > 0.93


@pytest.mark.parametrize(
    "loss",
    ["absolute_loss", "eps_insensitive_squared_loss", "eps_insensitive_absolute_loss", "quantile_loss", "huber_loss"],
)
def test_every_regression_loss_beats_the_mean(training_run, diabetes, loss):
    run = training_run()
    run.channel("train", diabetes.csv())

    run.run(predictor_type="regressor", loss=loss)

    assert run.metric("train", "rmse") < 0.8 * diabetes.labels.std()


@pytest.mark.parametrize("criterion", ["precision_at_target_recall", "recall_at_target_precision"])
def test_the_threshold_reaches_the_target(training_run, cancer, criterion):
    run = training_run()
    run.channel("train", cancer.csv())
    run.channel("validation", cancer.csv(held_out=True))

    run.run(
        predictor_type="binary_classifier",
        binary_classifier_model_selection_criteria=criterion,
        target_recall="0.995",
        target_precision="0.995",
    )

    reached = "recall" if criterion == "precision_at_target_recall" else "precision"
    assert run.metric("validation", reached) >= 0.995


def test_the_log_has_the_lines_that_aws_regexes_read(linear_run):
    assert re.search(r"#quality_metric: host=\S+, epoch=0, train \S+_objective <loss>=(\d\S+)", linear_run.log)
    assert re.search(r"^\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] Best model found", linear_run.log, re.MULTILINE)
    assert "#test_score (algo-1) : ('binary_classification_accuracy', " in linear_run.log


EVERY_JOB = {"progress", "throughput", "objective_loss", "objective_loss:final"}
BINARY = {"binary_classification_accuracy", "precision", "recall", "binary_f_beta"}
MULTICLASS = {
    "multiclass_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f_beta",
    "multiclass_top_k_accuracy",
    "dcg",
}


@pytest.mark.parametrize(
    ("predictor_type", "train", "validation"),
    [
        ("binary_classifier", BINARY, BINARY | {"roc_auc_score"}),
        ("multiclass_classifier", set(), MULTICLASS),
        ("regressor", {"mse", "absolute_loss"}, {"mse", "absolute_loss"}),
    ],
)
def test_the_metrics_that_aws_adds_to_a_job_are_read_off_its_log(training_run, predictor_type, train, validation):
    rows = "".join(f"{i % 2 + (i % 7 == 0)},{i % 5},{i % 3}\n" for i in range(60))
    rows = rows.replace("2,", "1,") if predictor_type == "binary_classifier" else rows
    run = training_run()
    for channel in ("train", "validation", "test"):
        run.channel(channel, rows)
    classes = {"num_classes": "3"} if predictor_type == "multiclass_classifier" else {}
    run.run(predictor_type=predictor_type, epochs="1", **classes)

    definitions = {each.name: each.regex for each in BUILTIN_METRICS["linear-learner"]}
    found = {name: re.findall(regex, run.log) for name, regex in definitions.items()}

    expected = {f"train:{name}" for name in EVERY_JOB | train}
    expected |= {f"validation:{name}" for name in {"objective_loss", "objective_loss:final"} | validation}
    expected |= {f"test:{name}" for name in {"objective_loss"} | validation}
    assert expected <= {name for name, values in found.items() if [*map(float, values)]}


def test_a_model_without_bias_has_none(training_run, cancer):
    run = training_run()
    run.channel("train", cancer.csv())

    run.run(predictor_type="binary_classifier", use_bias="false", epochs="2", normalize_data="true")

    bias = load_params(members(run)["mx-mod-0000.params"])["arg:fc0_bias"]
    assert bias.tolist() == [[0.0]]


def test_a_tuning_job_trains_one_model(training_run, cancer):
    run = training_run()
    run.channel("train", cancer.csv())

    run.run(predictor_type="binary_classifier", epochs="1", num_models="8", _tuning_objective_metric="train:precision")

    assert "Training 1 models" in run.log


def members(run):
    with zipfile.ZipFile(run.model / "model_algo-1") as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_the_artifact_has_the_layout_of_aws(linear_run):
    files = members(linear_run)

    manifest = {"additional-params.json": "json", "mx-mod": "mxnet_module", "version": 1}
    assert json.loads(files["manifest.json"]) == manifest
    assert json.loads(files["mx-mod-symbol.json"])["arg_nodes"] == [0, 1, 3, 5]
    assert json.loads(files["additional-params.json"])["loss_type"] == "logistic"
    assert len(files["mx-mod-0000.params"]) == 154 + 4 * 31


def test_a_model_in_the_form_of_aws_scores_as_its_weights_say(serve, tmp_path):
    def array(*values):
        header = struct.pack("<IiIqqiii", 0xF993FAC9, 0, 2, len(values), 1, 1, 0, 0)
        return header + struct.pack(f"<{len(values)}f", *values)

    names = b"".join(struct.pack("<Q", len(name)) + name for name in (b"arg:fc0_weight", b"arg:fc0_bias"))
    params = struct.pack("<QQQ", 0x112, 0, 2) + array(1.0, -2.0) + array(0.5) + struct.pack("<Q", 2) + names
    extra = {"threshold": 0.7, "loss_type": "logistic", "predictor_type": "binary_classifier", "metrics_params": {}}
    (tmp_path / "model").mkdir()
    with zipfile.ZipFile(tmp_path / "model/model_algo-1", "w") as archive:
        archive.writestr("additional-params.json", json.dumps(extra))
        archive.writestr("mx-mod-0000.params", params)

    predictions = json.loads(serve(tmp_path).invoke("1,0.5\n2,0.5\n").body)["predictions"]

    assert [p["score"] for p in predictions] == pytest.approx([1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(-1.5))])
    assert [p["predicted_label"] for p in predictions] == [0, 1]


def recordio(table):
    frames = []
    for label, row in zip(table.labels.tolist(), table.features.tolist(), strict=True):
        record = Record()
        record.features["values"].float32_tensor.values.extend(row)
        record.label["values"].float32_tensor.values.append(label)
        frames.append(frame_record(record.SerializeToString()))
    return b"".join(frames)


def test_every_input_mode_and_format_gives_the_same_model(training_run, cancer, linear_run):
    split, protobuf, piped = training_run(), training_run(), training_run()
    lines = cancer.csv().splitlines(keepends=True)
    split.channel("train", "".join(lines[:100]), "".join(lines[100:]), TrainingInputMode="FastFile")
    protobuf.channel("train", recordio(cancer), content_type=None)
    piped.channel("train", TrainingInputMode="Pipe")
    os.mkfifo(piped.base / "input/data/train_0")
    (piped.base / "data.csv").write_text(cancer.csv())
    feeder = subprocess.Popen(["sh", "-c", "cat data.csv > input/data/train_0"], cwd=piped.base)

    models = {
        (run.run(predictor_type="binary_classifier").model / "model_algo-1").read_bytes()
        for run in (split, protobuf, piped)
    }

    assert feeder.wait() == 0
    assert models == {(linear_run.model / "model_algo-1").read_bytes()}


def test_early_stopping_ends_a_long_job(training_run, cancer):
    run = training_run()
    run.channel("train", cancer.csv())

    run.run(predictor_type="binary_classifier", epochs="1000", early_stopping_tolerance="0.1")

    assert "Early stop condition met. Stopping training." in run.log
    assert io.StringIO(run.log).read().count("#throughput_metric") < 100
