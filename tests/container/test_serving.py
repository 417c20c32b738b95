"""Serving: AWS's answers and statuses for each algorithm, and a server that outlives every request."""

import http.client
import io
import json
import math
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from unittest.mock import ANY

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight_container.formats.record_pb2 import Record
from preflight_container.formats.recordio_protobuf import frame_record, read_frames
from tests.container.conftest import eventually

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
PROTOBUF, LIBSVM = "application/x-recordio-protobuf", "text/libsvm"


def bodies(rows):
    """The same rows in every content type."""
    frames = []
    for row in rows.tolist():
        record = Record()
        record.features["values"].float32_tensor.values.extend(row)
        frames.append(frame_record(record.SerializeToString()))
    by_keys = []
    for row in rows.tolist():
        record = Record()
        tensor = record.features["values"].float32_tensor
        tensor.values.extend(row)
        tensor.keys.extend(range(len(row)))
        tensor.shape.append(len(row))
        by_keys.append(frame_record(record.SerializeToString()))
    sparse = [{"data": {"features": {"keys": [*range(len(r))], "shape": [len(r)], "values": r}}} for r in rows.tolist()]
    return {
        CSV: "\r\n".join(",".join(map(repr, row)) for row in rows.tolist()),
        f"{CSV}; label_size=1": "".join(f"9,{','.join(map(repr, row))}\n" for row in rows.tolist()),
        JSON: json.dumps({"instances": [{"features": row} for row in rows.tolist()]}),
        f"{JSON}; values": json.dumps({"instances": [{"data": {"features": {"values": r}}} for r in rows.tolist()]}),
        f"{JSON}; sparse": json.dumps({"instances": sparse}),
        LINES: "\n".join(json.dumps(instance) for instance in sparse),
        PROTOBUF: b"".join(frames),
        f"{PROTOBUF}; sparse": b"".join(by_keys),
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


XGBOOST_READS = (CSV, PROTOBUF, f"{PROTOBUF}; sparse", LIBSVM)


def test_accept_decides_the_form_of_the_answer(linear_server, xgboost_server, cancer):
    rows = cancer.rows(2)
    scores = [float(line) for line in xgboost_server.invoke(rows).text.splitlines()]
    as_json = json.loads(xgboost_server.invoke(rows, accept=JSON).body)
    assert as_json == {"predictions": [{"score": score} for score in scores]}

    predictions = json.loads(linear_server.invoke(rows, accept="*/*").body)["predictions"]
    lines = linear_server.invoke(rows, accept=f"{LINES};q=0.9, text/csv").text
    assert [json.loads(line) for line in lines.splitlines()] == predictions
    protobuf = linear_server.invoke(rows, accept=PROTOBUF)
    assert protobuf_scores(protobuf.body) == [p["score"] for p in predictions]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "linear", "boosted"),
    [
        ("ROW", None, None, 415, 415),
        ("ROW", "text/csv;charset=utf-8", None, 200, 200),
        ("ROW", f"{CSV}; label_size=0", None, 200, 415),
        ("ROW", f"{CSV}; label_size={'9' * 5000}", None, 400, 415),
        ("ROW", CSV, "application/jsonlines; verbose=true", 200, 500),
        ("ROW", CSV, PROTOBUF, 200, 500),
        ("ROW", CSV, "text/html, application/json", 200, 406),
        ('{"instances": [{"features": [' + "9" * 400 + "]}]}", JSON, None, 400, 415),
        ('{"instances": [{"data": {"features": {"keys": [30], "shape": [30], "values": [1]}}}]}', JSON, None, 400, 415),
        ("0:1 30:1", LIBSVM, None, 415, 400),
        ("ROW", "application/x-parquet", None, 415, 415),
        ("", CSV, None, 400, 204),
        ("1,2,3", CSV, None, 400, 200),
        ("0" + ",0" * 30, CSV, None, 400, 400),
        ("ROW", "csv", None, 415, 200),
        ("1,x,3", CSV, None, 400, 415),
        ("{", JSON, None, 400, 415),
        ('{"instances": []}', JSON, None, 400, 415),
        ("x", "image/png", None, 415, 415),
        ("ROW", CSV, "image/png", 200, 406),
        ("ROW", CSV, CSV, 200, 200),
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


def framed(kind, values, keys, shape):
    record = Record()
    tensor = getattr(record.features["values"], kind)
    tensor.values.extend(map(int, values) if kind == "int32_tensor" else values)
    tensor.keys.extend(keys)
    tensor.shape.extend(shape)
    return frame_record(record.SerializeToString())


RECORDS = st.builds(
    framed,
    st.sampled_from(["float32_tensor", "float64_tensor", "int32_tensor"]),
    st.lists(st.integers(-9, 9) | st.just(2**30), max_size=31),
    st.lists(st.integers(0, 31) | st.just(2**63), max_size=31),
    st.lists(st.integers(0, 31) | st.just(2**63), max_size=2),
)
ANY_BODY = st.one_of(
    st.lists(RECORDS, max_size=4).map(b"".join),
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
    command = [sys.executable, "-m", "preflight_container", "serve"]
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


def test_a_claimed_width_takes_no_memory(serve, linear_run):
    server = serve(linear_run.base)
    wide = {"data": {"features": {"keys": [0], "shape": [1 << 24], "values": [1]}}}
    before = memory_of(server)

    reply = server.invoke(json.dumps({"instances": [wide] * 20}), JSON)

    assert (reply.status, "shape" in reply.text) == (400, True)
    assert memory_of(server) < before + (64 << 20)  # densely 1.3 GB


def workers_of(server):
    return [process for process in psutil.Process(server.process.pid).children() if process.is_running()]


def memory_of(server):
    return sum(process.memory_info().rss for process in workers_of(server))


def test_there_are_as_many_workers_as_asked_for_and_one_that_dies_is_replaced(serve, linear_run, cancer):
    server = serve(linear_run.base, SAGEMAKER_MODEL_SERVER_WORKERS="3")
    first, *others = workers_of(server)
    assert len(others) == 2

    first.kill()

    eventually(lambda: len({process.pid for process in workers_of(server)} - {first.pid}) == 3)
    assert server.invoke(cancer.rows(1)).status == 200


def test_the_workers_do_not_outlive_the_first_process(serve, linear_run):
    server = serve(linear_run.base)
    workers = workers_of(server)
    assert workers

    server.process.kill()

    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


@pytest.mark.parametrize("workers", ["0", "many"])
def test_a_number_of_workers_that_is_none_is_named(linear_run, workers):
    server = run_server(
        SAGEMAKER_BASE_DIR=str(linear_run.base),
        SAGEMAKER_BIND_TO_PORT="1",
        SAGEMAKER_MODEL_SERVER_WORKERS=workers,
    )
    assert (server.returncode, f"SAGEMAKER_MODEL_SERVER_WORKERS is '{workers}'" in server.stderr) == (1, True)


def test_slow_clients_hold_up_nobody(linear_server, cancer):
    unfinished = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n1,"
    with ExitStack() as stack:
        for _ in range(300):
            connection = socket.create_connection(("127.0.0.1", linear_server.port))
            stack.enter_context(connection).sendall(unfinished)

        assert linear_server.invoke(cancer.rows(1)).status == 200


def exchange(server, *pieces):
    """What a server sends until it closes the connection, or until it waits for more after the last piece."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(1 << 16):
            received += data
    return received


def head(*lines):
    return "\r\n".join(["POST /invocations HTTP/1.1", "Host: x", "Content-Type: text/csv", *lines, "", ""]).encode()


def test_a_body_that_ends_too_early_is_not_scored(linear_server, cancer):
    row = cancer.rows(1).strip().encode()
    whole = b"%x\r\n%s\r\n" % (len(row), row)
    assert b" 200 " in exchange(linear_server, head(f"Content-Length: {len(row)}", "Connection: close"), row)
    assert b" 200 " not in exchange(linear_server, head(f"Content-Length: {len(row) + 1}"), row)
    assert b" 200 " not in exchange(linear_server, head("Transfer-Encoding: chunked"), whole)
    assert b" 400 " in exchange(linear_server, head("Transfer-Encoding: chunked"), whole + b"no length\r\n")


def test_a_client_that_asks_first_is_told_to_go_on(linear_server, cancer):
    row = cancer.rows(1).strip().encode()
    asked = head(f"Content-Length: {len(row)}", "Expect: 100-continue", "Connection: close")
    with socket.create_connection(("127.0.0.1", linear_server.port), timeout=30) as connection:
        connection.sendall(asked)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
        connection.sendall(row)
        assert b" 200 " in connection.recv(1 << 16)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"X-Long: {'x' * 300_000}", b" 431 "),
        (f"Content-Length: {1 << 40}", b" 413 "),
        ("Content-Length: much", b" 400 "),
        ("Content-Length: -1", b" 400 "),
    ],
)
def test_a_request_that_is_too_large_or_none_is_refused_before_its_body(linear_server, line, status):
    with socket.create_connection(("127.0.0.1", linear_server.port), timeout=30) as connection:
        connection.sendall(head(line))
        assert status in connection.recv(1 << 16)


def test_sigterm_does_not_wait_for_who_sends_nothing_more(serve, linear_run):
    server = serve(linear_run.base)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost:")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0


def test_a_connection_serves_many_requests_also_after_refusals(xgboost_server, cancer):
    connection = http.client.HTTPConnection("127.0.0.1", xgboost_server.port, timeout=30)
    statuses = []
    for body in (cancer.rows(1), "0" + ",0" * 30, "x", "", cancer.rows(1)):
        connection.request("POST", "/invocations", body, {"Content-Type": CSV})
        response = connection.getresponse()
        statuses.append((response.status, len(response.read()) > 0))
    connection.close()
    assert statuses == [(200, True), (400, True), (415, True), (204, False), (200, True)]


def test_a_body_in_chunks_is_scored_and_measured(xgboost_server, cancer):
    replies = []
    for pieces in ([cancer.rows(1)[:9].encode(), cancer.rows(1)[9:].encode()], [b"1" * (1 << 20)] * 7):
        connection = http.client.HTTPConnection("127.0.0.1", xgboost_server.port, timeout=30)
        connection.request("POST", "/invocations", iter(pieces), {"Content-Type": CSV}, encode_chunked=True)
        replies.append(connection.getresponse())
        connection.close()
    assert [reply.status for reply in replies] == [200, 413]


def test_sixteen_clients_at_once_get_their_own_answers(xgboost_server, cancer):
    rows = cancer.rows(16).splitlines()
    alone = [xgboost_server.invoke(row).text for row in rows]
    with ThreadPoolExecutor(16) as executor:
        together = list(executor.map(lambda number: xgboost_server.invoke(rows[number % 16]).text, range(160)))
    assert together == alone * 10


@pytest.mark.parametrize(
    ("predictor_type", "keys", "score"),
    [("multiclass_classifier", {"score", "predicted_label"}, list), ("regressor", {"score"}, float)],
)
def test_linear_learner_answers_by_its_predictor_type(training_run, serve, wine, predictor_type, keys, score):
    run = training_run()
    run.channel("train", wine.csv())
    classes = {"num_classes": "3"} if score is list else {}
    run.run(predictor_type=predictor_type, epochs="3", **classes)
    server = serve(run.base)

    predictions = json.loads(server.invoke(wine.rows(5)).body)["predictions"]
    records = [
        Record.FromString(f) for f in read_frames(io.BytesIO(server.invoke(wine.rows(5), CSV, PROTOBUF).body).read)
    ]

    assert [(set(p), type(p["score"])) for p in predictions] == [(keys, score)] * 5
    assert [set(record.label) for record in records] == [keys] * 5
    for prediction, record in zip(predictions, records, strict=True):
        assert list(record.label["score"].float32_tensor.values) == list(np.ravel(prediction["score"]))
        if score is list:
            assert prediction["predicted_label"] == np.argmax(prediction["score"])
            assert sum(prediction["score"]) == pytest.approx(1)


def test_selected_output_has_what_was_asked_for(serve, xgboost_run, xgboost_server, cancer):
    server = serve(xgboost_run.base, SAGEMAKER_INFERENCE_OUTPUT="predicted_label, probabilities,predicted_score")
    (probability,) = map(float, xgboost_server.invoke(cancer.rows(1)).text.split())
    label = int(probability > 0.5)

    as_json = json.loads(server.invoke(cancer.rows(1), accept=JSON).body)["predictions"]

    assert as_json == [
        {"predicted_label": label, "probabilities": [1 - probability, probability], "predicted_score": ANY}
    ]
    assert math.isnan(as_json[0]["predicted_score"])
    assert server.invoke(cancer.rows(1)).text == f'{label},"[{1 - probability}, {probability}]",nan'
    assert server.invoke(cancer.rows(1), accept="image/png").status == 406


def test_the_environment_decides_the_default_answer(serve, xgboost_run, xgboost_server, cancer):
    as_json = serve(xgboost_run.base, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=JSON, MAX_CONTENT_LENGTH="2097152")
    batch = serve(xgboost_run.base, SAGEMAKER_BATCH="true")
    lines = xgboost_server.invoke(cancer.rows(3)).text

    assert [x["score"] for x in json.loads(as_json.invoke(cancer.rows(3)).body)["predictions"]] == [
        *map(float, lines.split())
    ]
    assert json.loads(as_json.request("GET", "/execution-parameters").body)["MaxPayloadInMB"] == 2
    assert batch.invoke(cancer.rows(3), accept=JSON).text == lines


@pytest.mark.parametrize("variable", ["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "MAX_CONTENT_LENGTH"])
def test_a_setting_that_means_nothing_is_named(xgboost_run, variable):
    server = run_server(SAGEMAKER_BASE_DIR=str(xgboost_run.base), SAGEMAKER_BIND_TO_PORT="1", **{variable: "much"})
    assert server.returncode == 1
    assert f"{variable} is 'much'; it must be" in server.stderr
