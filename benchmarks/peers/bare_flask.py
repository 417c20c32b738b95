"""The least that Flask can do: read the body, answer a constant. It runs on granian, with a worker for each core."""

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/ping")
def ping() -> Response:
    return Response()


@app.post("/invocations")
def invoke() -> Response:
    request.get_data(cache=False)
    return Response(b"0", mimetype="text/csv")
