"""The application: which class's middle is nearest."""

import json
from pathlib import Path

import flask

MODEL = Path("/opt/ml/model/middles.json")

app = flask.Flask(__name__)


@app.get("/ping")
def ping() -> flask.Response:
    return flask.Response("\n", status=200 if MODEL.exists() else 404, mimetype="application/json")


@app.post("/invocations")
def invocations() -> flask.Response:
    if flask.request.content_type != "text/csv":
        return flask.Response("This predictor only supports CSV data", status=415, mimetype="text/plain")
    middles = json.loads(MODEL.read_text())
    rows = [list(map(float, line.split(","))) for line in flask.request.get_data(as_text=True).split()]
    answers = [min(middles, key=lambda label: _distance(row, middles[label])) for row in rows]
    return flask.Response("\n".join(answers) + "\n", mimetype="text/csv")


def _distance(row: list[float], middle: list[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(row, middle))  # noqa: B905
