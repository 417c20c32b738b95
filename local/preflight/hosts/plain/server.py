"""WSGI around ``SageMakerHttp``, carried by waitress: a thread for each request, answers streamed as they come."""

import json
import logging
import signal
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any

import waitress

from preflight.hosts import web_pages
from preflight.hosts.refusals import refusal
from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.http import BODY_LIMIT_BYTES, SageMakerHttp
from preflight.sagemaker.life import ServiceLife
from preflight.sagemaker.resources.keeping import forget
from preflight.sagemaker.settings import SettingError, Settings, require_services_url

THREADS = 64  # requests at the same time; a thread that waits costs next to nothing
HEALTH = ("/_localstack/health", "/_preflight/health")
RESET = "/_localstack/state/reset"
LAUNCHER = "/_preflight/launcher"
STATE = "/_preflight/state"
SERVICES = "/_preflight/services"


class Application:
    """A WSGI application: SageMaker and its runtime, and what ``preflight`` asks of any stack."""

    def __init__(self, life: ServiceLife, port: int, kept_folder: Path | None) -> None:
        self._life = life
        self._kept_folder = kept_folder
        self._http = SageMakerHttp(life)
        self._port = port
        self._allowed_origins = web_pages.allowed_origins()

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self._answer(environ)
        length = [("Content-Length", str(len(answer.body)))] if answer.chunks is None else []
        phrase = HTTPStatus(answer.status).phrase
        start_response(f"{answer.status} {phrase}", [*answer.headers.items(), *length])
        return [answer.body] if answer.chunks is None else answer.chunks

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        method, uri, headers = environ["REQUEST_METHOD"], environ["REQUEST_URI"], _headers(environ)
        path = uri.partition("?")[0]
        reason = web_pages.refusal(
            method, uri, headers, port=self._port, is_loopback=True, allowed=self._allowed_origins
        )
        if reason:
            return refusal(headers, 403, "AccessDeniedException", reason)
        call = self._http.find(method, path, headers)
        if call is not None:
            return self._http.answer(call, headers, environ["wsgi.input"].read(BODY_LIMIT_BYTES))
        match method, path:
            case "GET", path if path in HEALTH:
                return _json({"services": {"sagemaker": "running"}})
            case "GET", path if path == SERVICES:
                return _json({"supported": ["sagemaker"], "refused": {}})
            case "GET", path if path == LAUNCHER:
                launcher = self._life.service().launcher
                return _json({"fallback": launcher.fallback(), "limitation": launcher.limitation()})
            case "POST", path if path == RESET:
                with self._life.emptied():
                    forget(self._kept_folder)
                    return _json({})
            case "GET", path if path == STATE:
                kept = self._kept_folder
                where = {"is_kept": kept is not None, "folder": str(kept) if kept else None}
                return _json(where | {"notes": self._life.service().notes})
        message = f"This stack is SageMaker only, and {method} {path} is none of its requests."
        return refusal(headers, 501, "UnsupportedByPreflight", message)


def serve(settings: Settings, host: str, port: int) -> None:
    """Answer on ``host`` and ``port`` until SIGTERM or SIGINT, then stop everything that was started."""

    def create() -> Any:
        from preflight.sagemaker.service import SageMaker

        return SageMaker(settings)

    life = ServiceLife(create)
    application = Application(life, port, settings.kept_folder)
    server = waitress.create_server(
        application, host=host, port=port, threads=THREADS, connection_limit=1000, asyncore_use_poll=True, ident=None
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _end)
    try:
        print(f"SageMaker answers at http://{host}:{port}, the other services at {settings.endpoint_url}.", flush=True)
        server.run()
    except SystemExit:
        pass
    finally:
        life.close()
        server.close()


def main(environ: Mapping[str, str]) -> None:
    """Serve at GATEWAY_LISTEN (``127.0.0.1:4566``), with the other services at PREFLIGHT_SERVICES."""
    logging.basicConfig(level=logging.DEBUG if environ.get("DEBUG") else logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    host, _, port = environ.get("GATEWAY_LISTEN", "127.0.0.1:4566").rpartition(":")
    try:
        url = require_services_url(environ.get("PREFLIGHT_SERVICES", ""))
        settings = Settings.from_env(environ, endpoint_url=url)
    except SettingError as error:
        sys.exit(f"Error: {error}")
    serve(settings, host, int(port))


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def _json(body: Mapping[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _end(signal_number: int, frame: FrameType | None) -> None:
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)  # it is stopping; asking again must not leave it half stopped
    raise SystemExit
