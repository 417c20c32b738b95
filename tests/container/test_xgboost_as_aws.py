"""What AWS's current XGBoost container refuses, fails on or answers oddly is so here, in its words."""

import json

import pytest

ROWS = "".join(f"{i % 2},{i % 3},{i % 7}\n" for i in range(60))
LIBSVM = "".join(f"{i % 2} 0:{i % 3} 1:{i % 7}\n" for i in range(60))
LOGISTIC = {"num_round": "2", "objective": "binary:logistic"}


@pytest.fixture
def run(training_run):
    return training_run("xgboost")


def write(run, name, content):
    path = run.base / "input/data/train" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize("name", [".DS_Store", "deep/.hidden"])
def test_a_hidden_file_is_refused(run, name):
    run.channel("train", ROWS)
    write(run, name, "x")

    assert run.run(**LOGISTIC).failure.startswith("Hidden file found in the data path! Remove that before training.")
    assert run.exit_code == 2


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("text/csv", "Pipe mode for CSV is no longer supported. Please use Fast File mode (default) instead."),
        ("application/x-parquet", "Pipe mode for Parquet is no longer supported."),
        ("recordio-protobuf", "Pipe mode for RecordIO-Protobuf is no longer supported."),
        ("text/libsvm", "Channel configuration for 'train' channel is not supported: {'TrainingInputMode': 'Pipe'"),
    ],
)
def test_pipe_mode_is_refused(run, content_type, words):
    run.channel("train", content_type=content_type, TrainingInputMode="Pipe")

    assert run.run(**LOGISTIC).failure.startswith(words)


@pytest.mark.parametrize("content_type", ["text/csv; label_size=1", "TEXT/CSV", "application/json", "text/plain"])
def test_a_content_type_is_taken_letter_by_letter(run, content_type):
    run.channel("train", ROWS, content_type=content_type)

    run.run(**LOGISTIC)

    assert run.failure.startswith("Channel configuration for 'train' channel is not supported: {")
    assert f"'ContentType': '{content_type}'" in run.failure


@pytest.mark.parametrize("first", [ROWS, "\n" + LIBSVM, LIBSVM.replace(" ", "\t"), "# c\n" + LIBSVM, "1 0 1\n"])
def test_what_is_not_libsvm_by_its_first_line_is_named(run, first):
    run.channel("train", first, content_type=None)

    assert run.run(**LOGISTIC).exit_code == 2
    assert "' of file 'part-0' is not 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format." in run.failure


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("label,a,b\n" + ROWS, "line 1, column 1: 'label' is not a number."),
        ("True,1,2\n" + ROWS, "line 1, column 1: 'True' is not a number."),
        ('1,"2",3\n' + ROWS, "line 1, column 2: '\"2\"' is not a number."),
        (ROWS + "1,2\n", "line 61: this row has 2 columns, the first row 3."),
        ("1;2,5;3\n0;1;2\n", "column 1: '1;2' is not a number."),
    ],
)
def test_what_aws_would_train_on_though_it_is_nonsense_is_refused_and_says_so(run, data, words):
    run.channel("train", data)

    assert run.run(**LOGISTIC).exit_code == 2
    assert words in run.failure and "AWS's container would not refuse this" in run.failure


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["\n" + ROWS], "Could not determine delimiter on line \n:\nCould not determine delimiter"),
        ([ROWS, ""], "Could not determine delimiter on line :"),
        ([ROWS, ROWS.replace(",", ";")], "Delimiter ',' is not found in the line."),
        (["1\n0\n1\n"], "Delimiter '1' is not found in the line."),
        (["inf,1,2\n" + ROWS], "Failed to load csv data with exception:"),
        ([""], "No data in training channel path /opt/ml/input/data/train"),
    ],
)
def test_csv_that_cannot_be_read_is_the_customers(run, files, words):
    run.channel("train", *files)

    assert run.run(**LOGISTIC).exit_code == 2
    assert words in run.failure and "would not refuse" not in run.failure


@pytest.mark.parametrize(
    ("data", "hyperparameters", "words"),
    [
        ("2,1,1\n" + ROWS, {"objective": "binary:logistic"}, "label must be in (0, 1) for logistic regression"),
        (ROWS, {"objective": "reg:gamma"}, "label must be positive for gamma regression."),
        (ROWS, {"objective": "reg:logistic", "num_class": "2"}, "Check failed: info.labels.Size() == preds.Size()"),
        (ROWS.replace(",", '","').replace("\n", '"\n"').join('"\n')[:-1], {}, "0 feature is supplied."),
    ],
)
def test_the_library_fails_as_the_algorithm(run, data, hyperparameters, words):
    run.channel("train", data)

    assert run.run(num_round="2", **hyperparameters).exit_code == 1
    assert run.failure.startswith("XGB train call failed with exception:\n ")
    assert words in run.failure and "Stack trace" not in run.failure


def test_a_wider_validation_channel_fails_as_the_algorithm(run):
    run.channel("train", ROWS)
    run.channel("validation", ROWS.replace("\n", ",1\n"))

    assert run.run(**LOGISTIC).exit_code == 1
    assert "(3 vs. 2) : Number of columns does not match number of features in booster." in run.failure


@pytest.mark.parametrize("index", [(1 << 24) - 1, (1 << 31) - 1])
def test_a_libsvm_index_that_nobody_could_train_ends_the_job_at_once(run, index):
    run.channel("train", f"{LIBSVM}1 {index}:1\n", content_type="libsvm")

    assert run.run(**LOGISTIC).exit_code == 2
    assert f"have {index + 1} columns; more than 4194304 are not supported by Preflight" in run.failure


def test_settings_that_the_library_lost_are_ignored_and_said_to_be(run):
    run.channel("train", "\ufeff" + ROWS)

    assert run.run(sketch_eps="0.1", predictor="cpu_predictor", **LOGISTIC).exit_code == 0, run.log
    assert "Hyperparameter sketch_eps is ignored, as on AWS: xgboost 3 has no such setting any more." in run.log


@pytest.mark.parametrize(("tag", "taken"), [("latest", True), ("0.90-2-cpu-py3", True), ("1.7-1", False)])
def test_an_older_tag_warns_and_takes_its_own_hyperparameters(run, monkeypatch, tag, taken):
    monkeypatch.setenv("PREFLIGHT_IMAGE_TAG", tag)
    run.channel("train", ROWS)

    run.run(silent="1", **LOGISTIC)

    assert f"The image's tag is {tag}, which holds xgboost " in run.log
    assert ("Extraneous hyperparameter found: silent" not in run.log) == taken == (run.exit_code == 0)


def test_a_custom_metric_does_not_silence_the_objectives_own(run):
    run.channel("train", ROWS)

    run.run(eval_metric="f1", **LOGISTIC)

    assert [line.split(":")[0] for line in run.log.split("[1]")[1].split()] == ["train-logloss", "train-f1"]


BAD_BODIES = {
    "quoted": '"1","2"',
    "byte order mark": "\ufeff1,2",
    "blank line": "1,2\n\n3,4",
    "rows of two lengths": "1,2\n3",
    "white space": "  \n",
    "infinite": "inf,1",
    "text": "a,b",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_csv_body_that_aws_cannot_read_is_a_415(xgboost_server, body):
    reply = xgboost_server.invoke(body)

    assert reply.status == 415
    assert reply.text.startswith(
        "Loading csv data failed with Exception, please ensure data is in csv format:\n <class"
    )


def test_rows_that_are_narrower_are_scored_and_wider_ones_refused(xgboost_server, cancer):
    row = cancer.rows(1).strip().split(",")
    narrow, padded = (xgboost_server.invoke(",".join(row[:10] + more)).text for more in ([], ["nan"] * 20))
    wide = xgboost_server.invoke(",".join([*row, "1"]))

    assert narrow == padded
    assert (wide.status, wide.text) == (
        400,
        "Unable to evaluate payload provided: Check failed: learner_model_param_.num_feature >= p_fmat->Info()."
        "num_col_ (30 vs. 31) : Number of columns does not match number of features in booster.",
    )


def test_a_libsvm_body_without_column_0_counts_from_1(xgboost_server, cancer):
    row = cancer.rows(1).strip().split(",")
    from_0, from_1 = (" ".join(f"{i}:{v}" for i, v in enumerate(row, start=start)) for start in (0, 1))

    assert xgboost_server.invoke(from_0, "text/libsvm").text == xgboost_server.invoke(from_1, "text/libsvm").text
    assert xgboost_server.invoke("1 0:1 # 5:x", "text/libsvm").status == 415


def test_plain_predictions_have_no_json_lines_on_aws(serve, xgboost_run, xgboost_server, cancer):
    plain = xgboost_server.invoke(cancer.rows(1), accept="application/jsonlines")
    selected = serve(xgboost_run.base, SAGEMAKER_INFERENCE_OUTPUT="predicted_label")

    assert (plain.status, "SAGEMAKER_INFERENCE_OUTPUT" in plain.text) == (500, True)
    assert set(json.loads(selected.invoke(cancer.rows(1), accept="application/jsonlines").body)) == {"predicted_label"}


def test_batch_transform_answers_in_lines_under_the_type_it_accepts(serve, xgboost_run, cancer):
    reply = serve(xgboost_run.base, SAGEMAKER_BATCH="true").invoke(cancer.rows(2), accept="application/jsonlines")

    assert (reply.status, reply.content_type, len(reply.text.splitlines())) == (200, "application/jsonlines", 2)
