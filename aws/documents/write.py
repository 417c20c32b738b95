"""What is written beside deployment.json for those who use the API: OpenAPI, and a Postman collection to try it, and
the body of one request.
"""

import json
from pathlib import Path

from aws.dataset import Dataset
from aws.deployment import Deployment
from aws.documents.example import Example
from aws.documents.openapi import openapi
from aws.documents.postman import collection, environment

OPENAPI = "openapi.json"
COLLECTION = "postman_collection.json"
ENVIRONMENT = "postman_environment.json"
REQUEST = "request.json"


def write_documents(deployment: Deployment, dataset: Dataset, folder: Path) -> None:
    """Write them all into ``folder``."""
    for name, document in (
        (OPENAPI, openapi(deployment, dataset)),
        (COLLECTION, collection(deployment, dataset)),
        (ENVIRONMENT, environment(deployment)),
        (REQUEST, Example.of(dataset).raw_body),
    ):
        (folder / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
