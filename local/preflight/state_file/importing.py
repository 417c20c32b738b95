"""A file into a stack: all of it is checked before anything is sent, and nothing of it is run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from preflight.state_file.archive import FileProblem, Reader
from preflight.state_file.requests import Clients, Request, Sender, clients_of, read_requests
from preflight.state_file.stack_documents import send_documents

# How each is found that would be made: one that is there is not to be mixed with what the file has.
_FOUND_BY = {
    "CreateBucket": ("head_bucket", "Bucket"),
    "CreateRole": ("get_role", "RoleName"),
    "CreateUser": ("get_user", "UserName"),
    "CreateFunction": ("get_function", "FunctionName"),
    "CreateQueue": ("get_queue_url", "QueueName"),
    "PutParameter": ("get_parameter", "Name"),
}


def import_file(endpoint_url: str, path: Path, max_bytes: int) -> int:
    """Make what ``path`` describes in the stack at ``endpoint_url``; returns how many requests and documents it had.

    Raises:
        FileProblem: the file is none, or the stack has something of it already; nothing has changed then, but where
            the text says that it was sent in part.
        OSError
    """
    clients = clients_of(endpoint_url)
    with Reader.open(path, max_bytes) as reader:
        requests, documents = read_requests(reader), reader.documents()
        send_documents(endpoint_url, documents, is_trial=True)
        _require_room(clients, requests)
        sender = Sender(clients, reader)
        rules = [request for request in requests if request.service == "events"]
        try:
            _send(sender, (request for request in requests if request.service != "events"))
            send_documents(endpoint_url, documents, is_trial=False)
            _send(sender, rules)  # once all is there that they watch
        except FileProblem as problem:
            raise FileProblem(
                f"The stack refuses a part of it, and has what came before: {str(problem).rstrip('.')}. "
                "To be rid of that: preflight down --forget, then up."
            ) from None
    return len(requests) + len(documents)


def _send(sender: Sender, requests: Iterable[Request]) -> None:
    for request in requests:
        sender.send(request)


def _require_room(clients: Clients, requests: Iterable[Request]) -> None:
    for request in requests:
        if request.operation in _FOUND_BY:
            operation, member = _FOUND_BY[request.operation]
            name = request.parameters[member]
            if _is_there(clients(request.service, request.region), operation, {member: name}):
                raise FileProblem(f"This stack has {request.service}'s {name} already: import into an empty one.")


def _is_there(client: Any, operation: str, parameters: dict[str, str]) -> bool:
    try:
        getattr(client, operation)(**parameters)
    except ClientError:
        return False
    return True
