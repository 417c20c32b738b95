"""The API as an OpenAPI 3.0 document, for whoever writes a client. https://spec.openapis.org/oas/v3.0.3"""

from typing import Any

from aws.dataset import Dataset
from aws.deployment import Deployment
from aws.documents.example import Example
from aws.schema import Schema
from aws.wanted import Auth

JSON = "application/json"
ERRORS = {
    "400": "The request is wrong; the sentence names the field.",
    "502": "The endpoint refused the row, or answered no prediction.",
    "503": "The endpoint is not there, or did not answer in time.",
}
PLACE = {"type": "string", "pattern": "^s3://"}
LATER: dict[str, Any] = {
    "type": "object",
    "required": ["output", "failure"],
    "properties": {"output": PLACE, "failure": PLACE},
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
SECURITY: dict[Auth, dict[str, Any]] = {
    "none": {},
    "api-key": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    "iam": {
        "sigv4": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "x-amazon-apigateway-authtype": "awsSigv4",
        }
    },
}


def openapi(deployment: Deployment, dataset: Dataset) -> dict[str, Any]:
    """``POST /<path>`` of this deployment, with every column of its table."""
    base, _, path = deployment.api_url.rpartition("/")
    example = Example.of(dataset)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{deployment.project}: predictions of {dataset.schema.column}",
            "version": "1",
            "description": f"{deployment.algorithm} trained on {deployment.source}.",
        },
        "servers": [{"url": base}],
        "paths": {f"/{path}": {"post": _operation(example, asynchronous=deployment.asynchronous)}},
        "components": {"schemas": _schemas(dataset, example), "securitySchemes": SECURITY[deployment.auth]},
        "security": [{name: []} for name in SECURITY[deployment.auth]],
    }


def _operation(example: Example, *, asynchronous: bool) -> dict[str, Any]:
    bodies = [{"$ref": "#/components/schemas/RawRow"}, {"$ref": "#/components/schemas/EncodedRow"}]
    examples = {"raw": {"value": example.raw_body}, "encoded": {"value": example.encoded_body}}
    answers = [{"$ref": "#/components/schemas/Prediction"}, {"$ref": "#/components/schemas/Label"}]
    said = "The prediction: an object for a raw row, the bare label for an encoded one."
    if asynchronous:
        answers, said = [LATER], "Where in S3 the model's answer will be, or why there is none."
    return {
        "operationId": "predict",
        "summary": "Predict one row",
        "requestBody": {"required": True, "content": {JSON: {"schema": {"oneOf": bodies}, "examples": examples}}},
        "responses": {
            "200": {
                "description": said,
                "content": {JSON: {"schema": {"oneOf": answers}}},
            },
            **{
                status: {
                    "description": description,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, description in ERRORS.items()
            },
        },
    }


def _schemas(dataset: Dataset, example: Example) -> dict[str, Any]:
    columns = {column["name"]: _column(column) for column in dataset.document["columns"]}
    label, prediction = _answers(dataset.schema)
    return {
        "RawRow": _object({example.key: {"type": "object", "properties": columns}}),
        "EncodedRow": _object(
            {
                "data": {
                    "type": "string",
                    "description": f"{dataset.feature_dim} numbers with commas between them, in this order: "
                    + ", ".join(dataset.document["feature_names"]),
                }
            }
        ),
        "Prediction": prediction,
        "Label": label,
        "Error": _object({"message": {"type": "string"}}),
    }


def _answers(schema: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
    """The label that an encoded row is answered with, and the object for a raw one."""
    number = {"type": "number"}
    if schema.kind == "regression":
        return number | {"description": schema.column}, _object({schema.result: number})
    meaning = ", ".join(f"{place} is {value!r}" for place, value in reversed(list(enumerate(schema.classes))))
    label = {"type": "integer", "enum": list(range(len(schema.classes))), "description": f"{meaning}."}
    if schema.kind == "binary":
        return label, _object({schema.result: {"$ref": "#/components/schemas/Label"}, "score": number})
    scores = {"type": "object", "properties": dict.fromkeys(schema.classes, number)}
    prediction = _object({schema.result: {"type": "string", "enum": list(schema.classes)}})
    prediction["properties"] |= {"score": number, "scores": scores}  # an objective may tell the class alone
    return label, prediction


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of ``properties``."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _column(column: dict[str, Any]) -> dict[str, Any]:
    """A column's values. Numbers may be text, as in a CSV; null or empty text stands for the median."""
    if column["kind"] == "category":
        return {"type": "string", "enum": [*column["values"], ""], "nullable": True}
    number: dict[str, Any] = {"type": "number"}
    if column["kind"] == "rating":
        number = {"type": "integer", "minimum": 0, "maximum": column["highest"]}
    elif column.get("minimum") is not None:
        number["minimum"] = column["minimum"]
    return {"oneOf": [number, {"type": "string"}], "nullable": True}
