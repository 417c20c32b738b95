"""SageMaker's documents, out of a stack and into one."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from preflight.state_file.archive import FileProblem

_PATH = "/_preflight/state/sagemaker"
_SECONDS = 120


def read_documents(endpoint_url: str) -> tuple[list[dict[str, Any]], list[str]]:
    """What can be taken in elsewhere, and the ARNs of what cannot be. Raises OSError."""
    with urllib.request.urlopen(endpoint_url + _PATH, timeout=_SECONDS) as answer:
        found = json.load(answer)
    return found["documents"], found["left_out"]


def send_documents(endpoint_url: str, documents: Sequence[Any], *, is_trial: bool) -> None:
    """Have the stack take them in; a trial only says whether it would.

    Raises:
        FileProblem: it does not.
        OSError
    """
    body = json.dumps({"documents": documents, "is_trial": is_trial}).encode()
    request = urllib.request.Request(endpoint_url + _PATH, body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 400:
                raise
            raise FileProblem(json.load(error)["message"]) from None
