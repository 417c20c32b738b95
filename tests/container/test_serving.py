"""Serving: AWS's answers and statuses for each algorithm, and a server that outlives every request."""

import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from container.formats.recordio_protobuf import Record, frame_record, read_frames

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
PROTOBUF, LIBSVM = "application/x-recordio-protobuf", "text/libsvm"


def bodies(rows):
    """The same rows in every content type."""
    frames = []
    for row in rows.tolist():
        record = Record()
        record.features["values"].float32_tensor.values.extend(row)
        frames.append(frame_record(record.SerializeToString()))
    sparse = [{"data": {"features": {"keys": [*range(len(r))], "shape": [len(r)], "values": r}}} for r in rows.tolist()]
    return {
        CSV: "\r\n".join(",".join(map(repr, row)) for row in rows.tolist()),
        f"{CSV}; label_size=1": "".join(f"9,{','.join(map(repr, row))}\n" for row in rows.tolist()),
        JSON: json.dumps({"instances": [{"features": row} for row in rows.tolist()]}),
        LINES: "\n".join(json.dumps(instance) for instance in sparse),
        PROTOBUF: b"".join(frames),
        LIBSVM: "\n".join(" ".join(f"{i}:{value!r}" for i, value in enumerate(row)) for row in rows.tolist()),
    }


def protobuf_scores(body):
    records = [Record.FromString(frame) for frame in read_frames(io.BytesIO(body).read)]
    return [record.label["score"].float32_tensor.values[0] for record in records]


def test_linear_learner_scores_the_same_in_every_content_type(linear_server, cancer):
    answers = {
        content_type: linear_server.invoke(body, content_type)
        for content_type, body in bodies(cancer.held_out_features[:20]).items()
        if content_type != LIBSVM
    }
    assert {answer.status for answer in answers.values()} == {200}
    assert len({answer.text for answer in answers.values()}) == 1
    predictions = json.loads(answers[CSV].body)["predictions"]
    assert [set(p) for p in predictions] == [{"score", "predicted_label"}] * 20
    accuracy = np.mean([p["predicted_label"] for p in predictions] == cancer.held_out_labels[:20])
    assert accuracy > 0.9


def test_xgboost_scores_the_same_in_every_content_type(xgboost_server, cancer):
    every = bodies(cancer.held_out_features[:20])
    answers = {content_type: xgboost_server.invoke(every[content_type], content_type) for content_type in XGBOOST_READS}
    assert len({answer.text for answer in answers.values()}) == 1
    assert answers[CSV].content_type == CSV
    assert len([float(line) for line in answers[CSV].text.splitlines()]) == 20


XGBOOST_READS = (CSV, PROTOBUF, LIBSVM)


def test_accept_decides_the_form_of_the_answer(linear_server, xgboost_server, cancer):
    rows = cancer.rows(2)
    scores = [float(line) for line in xgboost_server.invoke(rows).text.splitlines()]
    as_json = json.loads(xgboost_server.invoke(rows, accept=JSON).body)
    as_lines = xgboost_server.invoke(rows, accept="application/jsonlines").text
    assert as_json == {"predictions": [{"score": score} for score in scores]}
    assert [json.loads(line) for line in as_lines.splitlines()] == as_json["predictions"]
    assert protobuf_scores(xgboost_server.invoke(rows, accept=PROTOBUF).body) == scores

    predictions = json.loads(linear_server.invoke(rows, accept="*/*").body)["predictions"]
    lines = linear_server.invoke(rows, accept=f"{LINES};q=0.9, text/csv").text
    assert [json.loads(line) for line in lines.splitlines()] == predictions
    protobuf = linear_server.invoke(rows, accept=PROTOBUF)
    assert protobuf_scores(protobuf.body) == [p["score"] for p in predictions]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "linear", "boosted"),
    [
        ("", CSV, None, 400, 204),
        ("1,2,3", CSV, None, 400, 400),
        ("1,x,3", CSV, None, 400, 415),
        ("{", JSON, None, 400, 415),
        ('{"instances": []}', JSON, None, 400, 415),
        ("x", "image/png", None, 415, 415),
        ("ROW", CSV, "image/png", 406, 406),
        ("ROW", CSV, CSV, 406, 200),
        ("nan," * 29 + "1", CSV, None, 400, 200),
        ("x" * (7 << 20), CSV, None, 400, 413),
        (b"\x00\xff" * 9, PROTOBUF, None, 400, 415),
    ],
)
def test_a_bad_request_gets_its_status_and_a_sentence(
    linear_server, xgboost_server, cancer, body, content_type, accept, linear, boosted
):
    body = cancer.rows(1) if body == "ROW" else body
    for server, status in ((linear_server, linear), (xgboost_server, boosted)):
        reply = server.invoke(body, content_type, accept)
        assert reply.status == status
        assert status in (200, 204) or (len(reply.text) > 20 and "Traceback" not in reply.text)


ANY_BODY = st.one_of(
    st.binary(max_size=200),
    st.text(alphabet="0123456789.,:-eE nainf\n\r\"'_+\t;", max_size=200).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["instances", "features", "data", "values", "keys", "shape"]), inner, max_size=4
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60).map(frame_record),
)


@given(body=ANY_BODY, content_type=st.sampled_from([CSV, JSON, LINES, PROTOBUF, LIBSVM, f"{CSV};label_size=-1", ";;"]))
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_body_breaks_a_server(linear_server, xgboost_server, body, content_type):
    for server in (linear_server, xgboost_server):
        assert server.invoke(body, content_type).status in (200, 204, 400, 415)


def test_the_other_paths_answer_as_on_aws(linear_server, xgboost_server):
    for server in (linear_server, xgboost_server):
        parameters = json.loads(server.request("GET", "/execution-parameters").body)
        assert (parameters["BatchStrategy"], parameters["MaxPayloadInMB"]) == ("MULTI_RECORD", 6)
        assert (server.request("GET", "/ping").status, server.request("GET", "/invocations").status) == (200, 405)
        assert server.request("GET", "/nothing").status == 404


def run_server(**environment):
    command = [sys.executable, "-m", "container", "serve"]
    settings = {**os.environ, "PREFLIGHT_BIND_ADDRESS": "127.0.0.1", **environment}
    return subprocess.run(command, env=settings, capture_output=True, timeout=30, text=True)


@pytest.mark.parametrize("content", [None, b"not a model"])
@pytest.mark.parametrize("algorithm", ["linear-learner", "xgboost"])
def test_a_model_that_cannot_load_ends_the_server_with_the_reason(tmp_path, algorithm, content):
    (tmp_path / "model").mkdir()
    if content:
        (tmp_path / "model" / "model_algo-1").write_bytes(content)

    server = run_server(SAGEMAKER_BASE_DIR=str(tmp_path), PREFLIGHT_ALGORITHM=algorithm, SAGEMAKER_BIND_TO_PORT="1")

    assert server.returncode == 1
    assert "Unable to load model: " in server.stderr
    assert "Traceback" not in server.stderr


def test_sigterm_ends_a_server_cleanly(serve, linear_run):
    server = serve(linear_run.base)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=10) == 0


def test_a_port_in_use_is_named(linear_server, linear_run):
    second = run_server(SAGEMAKER_BASE_DIR=str(linear_run.base), SAGEMAKER_BIND_TO_PORT=str(linear_server.port))

    assert second.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{linear_server.port}" in second.stderr
