"""What is written beside deployment.json for those who use the API: OpenAPI, and a Postman collection to try it."""

import json
from pathlib import Path

from aws.dataset import Dataset
from aws.deployment import Deployment
from aws.documents.openapi import openapi
from aws.documents.postman import collection, environment

OPENAPI = "openapi.json"
COLLECTION = "postman_collection.json"
ENVIRONMENT = "postman_environment.json"


def write_documents(deployment: Deployment, dataset: Dataset, folder: Path) -> None:
    """Write all three into ``folder``."""
    for name, document in (
        (OPENAPI, openapi(deployment, dataset)),
        (COLLECTION, collection(deployment, dataset)),
        (ENVIRONMENT, environment(deployment)),
    ):
        (folder / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
