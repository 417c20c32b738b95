"""XGBoost's jobs: the library's own result, the built-in's log and model file."""

import re
import signal

import numpy as np
import pytest
import xgboost


def test_the_model_is_the_librarys_own(xgboost_run, cancer):
    booster = xgboost.Booster()
    booster.load_model(bytearray((xgboost_run.model / "xgboost-model").read_bytes()))
    direct = xgboost.train(
        {"objective": "binary:logistic"}, xgboost.DMatrix(cancer.features, cancer.labels), num_boost_round=20
    )
    held_out = xgboost.DMatrix(cancer.held_out_features)

    errors = [np.mean((b.predict(held_out) > 0.5) != cancer.held_out_labels) for b in (booster, direct)]

    assert errors[0] == pytest.approx(errors[1], abs=0.005)
    assert booster.get_score(importance_type="gain")


def test_the_log_has_the_lines_that_aws_regexes_read(xgboost_run):
    line = next(line for line in xgboost_run.log.splitlines() if line.startswith("[19]"))
    match = re.fullmatch(r"\[19\]\ttrain-error:(\S+)\ttrain-logloss:(\S+)\tvalidation-error:(\S+)\tvalid.*", line)
    assert match and float(match[3]) < 0.1


def test_early_stopping_keeps_the_best_round(training_run, cancer):
    run = training_run("xgboost")
    run.channel("train", cancer.csv())
    run.channel("validation", cancer.csv(held_out=True))

    run.run(num_round="500", objective="binary:logistic", eval_metric="logloss,f1", early_stopping_rounds="3", eta="1")

    booster = xgboost.Booster()
    booster.load_model(bytearray((run.model / "xgboost-model").read_bytes()))
    assert booster.num_boosted_rounds() < 50
    assert "validation-f1:" in run.log


def test_libsvm_is_what_an_undeclared_channel_holds(training_run, serve, cancer):
    lines = [
        f"{label} " + " ".join(f"{i}:{value!r}" for i, value in enumerate(row))
        for label, row in zip(cancer.labels.tolist(), cancer.features.tolist(), strict=True)
    ]
    run = training_run("xgboost")
    run.channel("train", "\n".join(lines), content_type=None)

    assert run.run(num_round="5", objective="binary:logistic").exit_code == 0, run.log

    server = serve(run.base)
    rows = server.invoke("".join(line.partition(" ")[2] + "\n" for line in lines[:5]), "text/libsvm")
    assert rows.text == server.invoke("\n".join(lines[:5]), "text/x-libsvm").text
    assert len(rows.text.splitlines()) == 5


def test_csv_weights_are_not_a_feature(training_run, cancer):
    run = training_run("xgboost")
    run.channel("train", "".join(line.replace(",", ",0.5,", 1) + "\n" for line in cancer.csv().splitlines()))

    run.run(num_round="2", objective="binary:logistic", csv_weights="1")

    assert "30 columns" in run.log


def test_a_stopped_job_keeps_its_model_if_asked_to(training_run, cancer):
    run = training_run("xgboost")
    run.channel("train", cancer.csv())
    process = run.start({"num_round": "1000000", "objective": "binary:logistic", "save_model_on_termination": "true"})
    for line in process.stdout:
        if line.startswith("[3]"):
            process.send_signal(signal.SIGTERM)
            break

    process.communicate(timeout=60)

    assert process.returncode == 0
    assert (run.model / "xgboost-model").stat().st_size > 0


def rounds(model):
    booster = xgboost.Booster()
    booster.load_model(bytearray(model.read_bytes()))
    return booster.num_boosted_rounds()


def checkpointed(run, cancer):
    run.channel("train", cancer.csv())
    (run.base / "input/config").mkdir(parents=True, exist_ok=True)
    (run.base / "input/config/checkpointconfig.json").write_text('{"LocalPath": "/opt/ml/checkpoints"}')
    return run


def test_a_job_goes_on_from_its_newest_checkpoint_that_can_be_read(training_run, cancer):
    first, second = (checkpointed(training_run("xgboost"), cancer) for _ in range(2))
    first.run(num_round="8", objective="binary:logistic")
    saved = sorted(path.name for path in (first.base / "checkpoints").iterdir())
    assert saved == [f"xgboost-checkpoint.{n}" for n in range(3, 8)]

    (first.base / "checkpoints").rename(second.base / "checkpoints")
    (second.base / "checkpoints/xgboost-checkpoint.99").write_bytes(b"interrupted")
    second.run(num_round="10", objective="binary:logistic")

    assert "Resuming from iteration 8" in second.log
    assert [line[:3] for line in second.log.splitlines() if "train-logloss" in line] == ["[8]", "[9]"]
    assert rounds(second.model / "xgboost-model") == 10


def test_checkpoints_stay_inside_the_jobs_folder(training_run, cancer):
    run = checkpointed(training_run("xgboost"), cancer)
    (run.base / "input/config/checkpointconfig.json").write_text('{"LocalPath": "/opt/ml/../../etc"}')

    assert "use one below /opt/ml" in run.run(num_round="2").failure


def test_early_stopping_looks_at_the_metric_named_last(training_run, cancer):
    run = training_run("xgboost")
    run.channel("train", cancer.csv())
    run.channel("validation", cancer.csv(held_out=True))

    run.run(num_round="200", objective="binary:logistic", eval_metric="f1,logloss", early_stopping_rounds="3", eta="1")

    losses = re.findall(r"validation-logloss:(\S+?)\t", run.log)
    assert len(losses) == rounds(run.model / "xgboost-model") + 3
    assert min(losses) == losses[-4]


def test_early_stopping_without_a_validation_channel_does_nothing(training_run, cancer):
    run = training_run("xgboost")
    run.channel("train", cancer.csv())

    run.run(num_round="30", objective="binary:logistic", eval_metric="error", early_stopping_rounds="1", eta="1")

    assert rounds(run.model / "xgboost-model") == 30


@pytest.mark.parametrize("delimiter", [";", "\t", " "])
def test_a_csv_channel_may_have_another_delimiter(training_run, xgboost_run, cancer, delimiter):
    run = training_run("xgboost")
    run.channel("train", cancer.csv().replace(",", delimiter))
    run.channel("validation", cancer.csv(held_out=True))

    run.run(num_round="20", objective="binary:logistic", eval_metric="error,logloss")

    assert (run.model / "xgboost-model").read_bytes() == (xgboost_run.model / "xgboost-model").read_bytes()


@pytest.mark.parametrize(
    ("line", "message"),
    [("1 qid:3 0:2", "query ids (qid:) are not supported"), ("1:0.5 0:2", "instance weights"), ("1 0", "'0' is not")],
)
def test_libsvm_that_is_not_supported_is_named(training_run, line, message):
    run = training_run("xgboost")
    run.channel("train", f"1 0:1 1:1\n0 0:2 # a comment\n{line}\n", content_type="libsvm")

    assert message in run.run(num_round="2").failure


def test_parquet_is_refused_by_name(training_run):
    run = training_run("xgboost")
    run.channel("train", "1,2\n", content_type="application/x-parquet")
    assert "application/x-parquet of channel train is not supported by Preflight" in run.run(num_round="2").failure
