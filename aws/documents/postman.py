"""A Postman collection that tries the deployed URL as a person would: right answers, bad input, the wrong method.

``newman run postman_collection.json -e postman_environment.json`` runs it without Postman.
https://schema.postman.com/json/collection/v2.1.0/docs/index.html
"""

import json
from typing import Any

from aws.dataset import Dataset
from aws.deployment import Deployment
from aws.documents.example import Example
from aws.schema import Schema
from aws.wanted import Auth

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
URL = "{{url}}"
SECRETS: dict[Auth, tuple[str, ...]] = {
    "none": (),
    "api-key": ("api_key",),
    "iam": ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
}
AWSV4 = ("accessKey", "secretKey", "sessionToken")


def collection(deployment: Deployment, dataset: Dataset) -> dict[str, Any]:
    """The requests, each with the tests of its answer."""
    example = Example.of(dataset)
    column = dataset.schema.columns[0]
    result, classes = f"answer[{json.dumps(example.result)}]", json.dumps(dataset.schema.classes)
    label = f"{classes}.indexOf({result})" if dataset.schema.kind == "multiclass" else result
    keeps_label = f"pm.collectionVariables.set('label', {label});"
    is_prediction = _is_prediction(dataset.schema, result)
    is_same = _test("is the same label", "pm.expect(answer).to.eql(pm.collectionVariables.get('label'))")
    if deployment.asynchronous:
        is_prediction = is_same = _test("says where", "pm.expect(answer.output).to.match(/^s3:/)")
        keeps_label = ""
    return {
        "info": {"name": f"{deployment.project} {deployment.target}", "schema": SCHEMA},
        "auth": _auth(deployment),
        "item": [
            _request("A raw row", example.raw_body, 200, is_prediction, keeps_label),
            _request(
                "The same row, encoded",
                example.encoded_body,
                200,
                is_same,
            ),
            _request(
                "An empty value stands for the median",
                {example.key: example.row | {column: None}},
                200,
                is_prediction,
            ),
            _request(
                "A value that cannot be", {example.key: example.row | {column: "many"}}, 400, _message_has(column)
            ),
            _request("Too few features", {"data": "1,2"}, 400, _message_has(str(dataset.feature_dim))),
            _request("No row at all", {}, 400, _message_has(example.key)),
            _request("Not JSON", "{", 400),
            _request(
                "The wrong method",
                None,
                403,
                _test("says so", "pm.expect(answer.message).to.eql('Missing Authentication Token')"),
                method="GET",
            ),
        ],
    }


def environment(deployment: Deployment) -> dict[str, Any]:
    """Where the collection's requests go. Secrets are left empty, for whoever runs it to give."""
    values = [{"key": "url", "value": deployment.api_url, "enabled": True}]
    values += [{"key": name, "value": "", "type": "secret", "enabled": True} for name in SECRETS[deployment.auth]]
    return {
        "name": f"{deployment.project} {deployment.target}",
        "values": values,
        "_postman_variable_scope": "environment",
    }


def _auth(deployment: Deployment) -> dict[str, Any]:
    """Postman's own way to send a key, or to sign for AWS."""
    if deployment.auth == "api-key":
        return _auth_of("apikey", key="x-api-key", value="{{api_key}}")
    if deployment.auth == "iam":
        credentials = {key: f"{{{{{name}}}}}" for key, name in zip(AWSV4, SECRETS["iam"], strict=True)}
        return _auth_of("awsv4", **credentials, region=deployment.region, service="execute-api")
    return {"type": "noauth"}


def _auth_of(kind: str, **parameters: str) -> dict[str, Any]:
    return {"type": kind, kind: [{"key": key, "value": value, "type": "string"} for key, value in parameters.items()]}


def _request(name: str, body: Any, status: int, *scripts: str, method: str = "POST") -> dict[str, Any]:
    """One request. ``body`` is sent as JSON, or as it is if it is text; the answer is ``answer`` in the scripts."""
    lines = [
        _test(f"is a {status}", f"pm.response.to.have.status({status})"),
        "const answer = pm.response.json();",
        *scripts,
    ]
    request: dict[str, Any] = {
        "method": method,
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "url": URL,
    }
    if body is not None:
        request["body"] = {"mode": "raw", "raw": body if isinstance(body, str) else json.dumps(body)}
    script = {"type": "text/javascript", "exec": lines}
    return {"name": name, "request": request, "event": [{"listen": "test", "script": script}]}


def _test(name: str, check: str) -> str:
    return f"pm.test({json.dumps(name)}, () => {check});"


def _is_prediction(schema: Schema, result: str) -> str:
    """A raw row is answered with what its kind of label has."""
    if schema.kind == "regression":
        return _test("is a number", f"pm.expect({result}).to.be.a('number')")
    values = [0, 1] if schema.kind == "binary" else list(schema.classes)
    is_label = f"pm.expect({json.dumps(values)}).to.include({result});"
    if schema.kind == "multiclass":
        return _test("is one of the classes", is_label)
    return _test("is a label and a score", f"{{ {is_label} pm.expect(answer.score).to.be.a('number'); }}")


def _message_has(text: str) -> str:
    return _test("says what is wrong", f"pm.expect(answer.message).to.include({json.dumps(text)})")
