"""The model file under tags of older images: what scripts of that age load, with the predictions that are served."""

import json
import pickle
import pickletools
import subprocess

import numpy as np
import pytest
import xgboost

from preflight.sagemaker.launching.framework_images import framework_images

JOBS = {
    "wine": {"objective": "multi:softprob", "num_class": "3"},
    "diabetes": {"objective": "reg:squarederror"},
    "cancer": {"objective": "binary:logistic", "booster": "dart"},
}

READ = """
import pickle, sys
import numpy, xgboost
try:
    with open(sys.argv[1], "rb") as file:
        booster = pickle.load(file)
except pickle.UnpicklingError:
    booster = xgboost.Booster()
    booster.load_model(sys.argv[1])
rows = numpy.loadtxt(sys.argv[2], delimiter=",", ndmin=2)
print("PREDICTED", *booster.predict(xgboost.DMatrix(rows)).ravel().tolist())
"""


@pytest.fixture
def trained(training_run, monkeypatch, request):
    """Trains on a table under a tag."""

    def train(table: str, tag: str):
        monkeypatch.setenv("PREFLIGHT_IMAGE_TAG", tag)
        run = training_run("xgboost")
        run.channel("train", request.getfixturevalue(table).csv())
        assert run.run(num_round="3", **JOBS[table]).exit_code == 0, run.log
        return run

    return train


def served(serve, run, rows: str) -> list[float]:
    reply = serve(run.base).invoke(rows)
    assert reply.status == 200, reply.text
    return [
        float(number)
        for line in reply.text.replace("[", "").replace("]", "").split("\n")
        for number in line.split(",")
        if number
    ]


def old_document(content: bytes) -> dict:
    if content.startswith(b"\x80"):
        content = next(part for _, part, _ in pickletools.genops(content) if isinstance(part, bytes))
    return json.loads(content)


@pytest.mark.parametrize("tag", ["latest", "1.2-2", "1.5-1", "1.7-1", "3.0-5"])
def test_an_older_library_gets_what_it_knows(trained, tag):
    document = old_document((trained("wine", tag).model / "xgboost-model").read_bytes())

    learner = document["learner"]
    assert float(learner["learner_model_param"]["base_score"]) == 0.5
    flags = {type(flag) for tree in learner["gradient_booster"]["model"]["trees"] for flag in tree["default_left"]}
    assert flags == {int if tag in ("1.7-1", "3.0-5") else bool}


@pytest.mark.parametrize("table", JOBS)
def test_a_script_before_1_3_unpickles_the_model_that_is_served(trained, serve, table, request):
    run = trained(table, "1.0-1")
    rows = request.getfixturevalue(table).held_out_features[:5]

    booster = pickle.loads((run.model / "xgboost-model").read_bytes())  # our own, in a test, as such a script does

    predictions = booster.predict(xgboost.DMatrix(rows)).ravel()
    assert np.allclose(served(serve, run, request.getfixturevalue(table).rows(5)), predictions, atol=1e-6)


@pytest.mark.parametrize(
    ("table", "tag", "version"),
    [
        ("wine", "1.0-1", "1.5-1"),
        ("cancer", "1.5-1", "1.5-1"),
        ("diabetes", "1.5-1", "1.7-1"),
        ("wine", "1.7-1", "1.7-1"),
    ],
)
def test_the_older_library_predicts_what_is_served(trained, serve, tmp_path, request, table, version, tag):
    image = next(each for each in framework_images() if each.name == f"xgboost:{version}")
    if not image.environment.is_made():
        pytest.skip(f"{image.name} is not installed: preflight frameworks install {image.name}")
    run = trained(table, tag)
    rows = request.getfixturevalue(table).rows(5)
    (tmp_path / "rows.csv").write_text(rows)

    command = [
        image.environment.interpreter,
        "-W",
        "ignore",
        "-c",
        READ,
        run.model / "xgboost-model",
        tmp_path / "rows.csv",
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert result.returncode == 0, result.stderr
    assert np.allclose(
        [float(number) for number in result.stdout.partition("PREDICTED")[2].split()],
        served(serve, run, rows),
        atol=1e-4,
    )
