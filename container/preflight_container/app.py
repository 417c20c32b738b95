"""The HTTP face of a container: /ping, /invocations, /execution-parameters. It only translates.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import json
import os
import traceback

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from preflight_container.errors import PayloadTooLarge, RequestError
from preflight_container.inference import Predictor
from preflight_container.log import log


def create_app(predictor: Predictor) -> Flask:
    """The application around a loaded model."""
    app = Flask(__name__)

    @app.get("/ping")
    def ping() -> Response:
        return Response(status=200)

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        parameters = {
            "MaxConcurrentTransforms": os.cpu_count() or 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": predictor.max_payload_mb,
        }
        return Response(json.dumps(parameters), mimetype="application/json")

    @app.post("/invocations")
    def invocations() -> Response:
        if (request.content_length or 0) > predictor.max_body_bytes:
            raise PayloadTooLarge(
                f"The body has {request.content_length} bytes; this container takes {predictor.max_body_bytes}."
            )
        answer = predictor.invoke(
            request.get_data(cache=False), request.headers.get("Content-Type"), request.headers.get("Accept")
        )
        return Response(answer.body, answer.status, content_type=answer.content_type)

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> Response:
        log(f"{request.method} {request.path} refused with {error.status}: {error}", level="WARNING")
        return _text(str(error), error.status)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        return _text(str(error.description), error.code or 500)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        traceback.print_exc()  # for the endpoint's log; the client gets a sentence
        return _text("The container failed to answer; the cause is in the endpoint's log.", 500)

    return app


def _text(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain")
