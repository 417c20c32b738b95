"""The serving process: loads the model, then answers until SIGTERM or Ctrl-C."""

import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import waitress

from preflight_container.app import create_app
from preflight_container.errors import ContainerError, ModelError
from preflight_container.inference import Predictor
from preflight_container.log import log
from preflight_container.paths import Paths

THREADS = 4
CONNECTIONS = 1000
RECEIVE_BYTES = 1 << 16  # at once: a mini-batch of batch transform has millions
BODY_BYTES = 128 << 20  # above what any algorithm takes, so that the application can say its own limit


def serve(environ: Mapping[str, str]) -> int:
    """Serves the model below the base folder; returns the exit code.

    A model that cannot be loaded ends it with code 1: an endpoint fails either way, and this way at once.
    """
    try:
        predictor = load_predictor(Paths.from_env(environ).model, environ.get("PREFLIGHT_ALGORITHM"), environ)
    except ContainerError as error:
        print(f"Unable to load model: {error}", file=sys.stderr, flush=True)
        return 1
    log("Model loaded.")
    host = environ.get("PREFLIGHT_BIND_ADDRESS") or "0.0.0.0"
    port = int(environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    try:
        server = waitress.create_server(
            create_app(predictor),
            host=host,
            port=port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            recv_bytes=RECEIVE_BYTES,
            max_request_body_size=BODY_BYTES,
            inbuf_overflow=BODY_BYTES,  # bodies stay in memory: nothing is written outside the base folder
            outbuf_overflow=BODY_BYTES,
            ident=None,
        )
    except OSError as problem:
        print(f"Cannot listen on {host}:{port}: {problem}", file=sys.stderr)
        return 1
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it would warn of every request that waits a moment
    signal.signal(signal.SIGTERM, _stop)
    log(f"Listening on {host}:{port}.")
    server.run()  # returns when _stop or Ctrl-C raises
    return 0


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


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
