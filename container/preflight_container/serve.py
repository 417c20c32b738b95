"""The serving process: loads the model, then answers until SIGTERM or Ctrl-C, with a worker for each core."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from preflight_container.app import Application
from preflight_container.errors import ContainerError, ModelError
from preflight_container.fair_server import FairServer, shared_counts
from preflight_container.inference import Predictor
from preflight_container.log import log
from preflight_container.memory import keep_freed_memory
from preflight_container.paths import Paths
from preflight_container.threads import thread_count
from preflight_container.workers import Workers

CONNECTIONS = 1024  # that wait to be accepted
IDLE_SECONDS = 120  # that a connection without a request is kept
STOP_SECONDS = 5  # for requests that run at SIGTERM
WORKERS = "SAGEMAKER_MODEL_SERVER_WORKERS"  # as AWS's containers name it


def serve(environ: Mapping[str, str]) -> int:
    """Serves the model below the base folder; returns the exit code.

    A model that cannot be loaded ends it with code 1: an endpoint fails either way, and this way at once.
    """
    keep_freed_memory()
    try:
        workers = _worker_count(environ)
        predictor = load_predictor(Paths.from_env(environ).model, environ.get("PREFLIGHT_ALGORITHM"), environ)
    except ContainerError as error:
        print(f"Unable to load model: {error}", file=sys.stderr, flush=True)
        return 1
    log("Model loaded.")
    host = environ.get("PREFLIGHT_BIND_ADDRESS") or "0.0.0.0"
    port = int(environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    try:
        listener = socket.create_server((host, port), backlog=CONNECTIONS)
    except OSError as problem:
        print(f"Cannot listen on {host}:{port}: {problem}", file=sys.stderr, flush=True)
        return 1
    log(f"Listening on {host}:{port}.")
    counts = shared_counts(workers)
    return Workers(lambda place: _answer(listener, predictor, counts, place)).run(workers)


def load_predictor(folder: Path, algorithm: str | None, environ: Mapping[str, str]) -> Predictor:
    """The model in the folder; an algorithm not named is told from the files. Raises ModelError."""
    if not algorithm:
        algorithm = "linear-learner" if (folder / "model_algo-1").exists() else "xgboost"
    match algorithm:
        case "linear-learner":
            from preflight_container.linear_learner import predictor as linear_learner

            return linear_learner.load_predictor(folder)
        case "xgboost":
            from preflight_container.xgboost_builtin import predictor as xgboost_builtin

            return xgboost_builtin.load_predictor(folder, environ)
        case _:
            raise ModelError(f"PREFLIGHT_ALGORITHM must be linear-learner or xgboost, not {algorithm!r}.")


def _answer(listener: socket.socket, predictor: Predictor, counts: memoryview, place: int) -> None:
    config = uvicorn.Config(
        Application(predictor),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    FairServer(config, listener, counts, place).run()


def _worker_count(environ: Mapping[str, str]) -> int:
    """Raises ModelError where the variable does not hold what it must."""
    asked = environ.get(WORKERS) or str(thread_count())
    if not asked.isdecimal() or not int(asked):
        raise ModelError(f"{WORKERS} is {asked!r}; it must be a number of processes.")
    return int(asked)
