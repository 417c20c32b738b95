"""The model file under tags of older images: what scripts of that age load, with the predictions that are served."""

import base64
import json
import pickletools
import struct
import subprocess
import zlib

import numpy as np
import pytest

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


@pytest.mark.parametrize("tag", ["1.5-1", "1.7-1", "3.0-5"])
def test_an_older_library_gets_what_it_knows(trained, tag):
    document = json.loads((trained("wine", tag).model / "xgboost-model").read_bytes())

    learner = document["learner"]
    assert float(learner["learner_model_param"]["base_score"]) == 0.5
    flags = {type(flag) for tree in learner["gradient_booster"]["model"]["trees"] for flag in tree["default_left"]}
    assert flags == {int if tag in ("1.7-1", "3.0-5") else bool}


@pytest.mark.parametrize("table", JOBS)
def test_before_1_3_the_same_model_is_a_pickled_booster(trained, serve, table, request):
    pickled, plain = trained(table, "1.0-1"), trained(table, "1.5-1")
    rows = request.getfixturevalue(table).rows(5)

    operations = pickletools.genops((pickled.model / "xgboost-model").read_bytes())
    assert [name for operation, name, _ in operations if operation.name == "GLOBAL"] == [
        "xgboost.core Booster",
        "builtins bytearray",
    ]
    assert np.allclose(served(serve, pickled, rows), served(serve, plain, rows), atol=1e-6)


@pytest.mark.parametrize(
    ("table", "tag", "version"),
    [
        ("wine", "latest", "1.5-1"),
        ("cancer", "1.2-2", "1.7-1"),
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


# A model of two trees as the library 1.7.4 wrote it in its binary format, and what that library predicts of rows.
OLD = zlib.decompress(
    base64.b64decode(
        "eNpLysxLY2BgsGdmgABGJJodSsPEaA34oXRSZl5iUaVVTn56ZnFJZjIbVDg9qaQoNZWJjg4iB8ACDgaYB4Gb/gMByF1MEG7DrJkLHUA0yG0sEPGG"
        "tDQmR5AkKxCzQcVmzWR1BOpr+A8FIPmbx1n3M0LNhInNmjnTjglNnfUKZnsmNHVrVq3a9yH3HNCeApBd+0Bin3PVgOwfDi1WK/aD+NP63ID8Fw43"
        "UybbI3xww2Hf93v7EfwGewiGgQMO23NvI/EX2D+x6Ns/tOPjmwMx8XHy9YV96PHxcOkHW/T4uBF7wQ49PraumbBvV2Sq48YfiY43eY7uBYllvJvs"
        "MNfgpUPWpwZw+PlEMjoePXDLIcYkER6+Mz/ucrgkuQ4eH0J/dthbd52wg/E5bmx26Fy8Fq7++6LZ9tflC/czYIkHPlimTy0uic8sSS1KLMnMz4Pl"
        "cEMBZOk8UAEQn5OZm1kCU2DECWXkJ2WlJpdklqW6QAWqlfISc1OVrJTQihMlHaWi1PT4nPzi4viCxKLEXCWraqXi5MSc1PiC/OL48tTM9IwSoDZD"
        "pdpaACqS3PI="
    )
)
OLD_ROWS = "1,2,3\n9,,3\n9,1,9.5\n4.5,8,0"
OLD_PREDICTIONS = [0.28279701, 0.71529710, 0.35071430, 0.28279701]


def as_pickled(model: bytes) -> bytes:
    """A Booster as a library of 2019 pickles it: protocol 3, its state a dictionary with the model as a bytearray."""
    handle = b"X\x06\x00\x00\x00handlecbuiltins\nbytearray\nB" + struct.pack("<I", len(model)) + model + b"\x85R"
    return b"\x80\x03cxgboost.core\nBooster\n)\x81}(" + handle + b"ub."


@pytest.mark.parametrize(
    "content",
    [OLD, as_pickled(OLD[4:]), as_pickled(b"CONFIG-offset:" + struct.pack("<q", len(OLD) - 4) + OLD[4:] + b"{}")],
    ids=["saved", "pickled", "snapshot"],
)
def test_a_model_of_an_older_library_is_served_with_its_predictions(serve, tmp_path, content):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(content)

    reply = serve(tmp_path, PREFLIGHT_ALGORITHM="xgboost").invoke(OLD_ROWS)

    assert np.allclose([float(number) for number in reply.text.replace(",", " ").split()], OLD_PREDICTIONS, atol=1e-6)
