"""What a service holds, as plain maps, and back into the very objects that LocalStack's code holds on to."""

import importlib
from collections.abc import Iterator
from typing import Any

from localstack.services.plugins import Service
from localstack.services.stores import AccountRegionBundle
from localstack.state import StateVisitor
from moto.core.base_backend import BackendDict

Container = Any  # an AccountRegionBundle or a BackendDict
Content = dict[str, Any]

# These are asked for what they hold without the service being asked: whoever decides what a caller may do reads them.
STORES_READ_BY_OTHERS = {
    "iam": ("localstack.services.iam.models", "iam_stores"),
    "sts": ("localstack.services.sts.models", "sts_stores"),
    "s3": ("localstack.services.s3.models", "s3_stores"),
    "sqs": ("localstack.services.sqs.models", "sqs_stores"),
    "sns": ("localstack.services.sns.models", "sns_stores"),
    "lambda": ("localstack.services.lambda_.invocation.models", "lambda_stores"),
}


def containers_of(service: Service) -> dict[str, Container]:
    """Those of a service that runs, by the names they are kept under."""
    found = _Found()
    service.accept_state_visitor(found)
    return found.containers


def read_by_others(service_name: str) -> dict[str, Container]:
    """The stores of a service that does not run yet, if others read them."""
    if service_name not in STORES_READ_BY_OTHERS:
        return {}
    module, name = STORES_READ_BY_OTHERS[service_name]
    store = getattr(importlib.import_module(module), name)
    return {_name(store): store}


class _Found(StateVisitor):
    """Folders are left out: they lie in the kept folder already."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}

    def visit(self, state_container: object) -> None:
        if isinstance(state_container, AccountRegionBundle | BackendDict):
            self.containers[_name(state_container)] = state_container


def _name(container: Container) -> str:
    kind = "store" if isinstance(container, AccountRegionBundle) else "backend"
    return f"{container.service_name}.{kind}"


def content_of(container: Container) -> Content:
    """All that it holds, by account and region."""
    if isinstance(container, BackendDict):
        return {"regions": {place: vars(backend) for place, backend in _each(container)}}
    return {
        "universal": container._universal,
        "global": {account: bundle._global for account, bundle in container.items()},
        "regions": {place: _own_attributes(store) for place, store in _each(container)},
    }


def put_back(container: Container, content: Content) -> None:
    """Make it hold ``content``, which ``content_of`` gave in another process."""
    for (account, region), attributes in content["regions"].items():
        vars(container[account][region]).update(attributes)
    if not isinstance(container, BackendDict):
        container._universal.update(content["universal"])
        for account, attributes in content["global"].items():
            container[account]._global.update(attributes)


def _each(container: Container) -> Iterator[tuple[tuple[str, str], Any]]:
    for account, regions in list(container.items()):
        for region, each in list(regions.items()):
            yield (account, region), each


def _own_attributes(store: Any) -> dict[str, Any]:
    """Without what ties a store to its bundle: that is there already."""
    return {name: value for name, value in vars(store).items() if not name.startswith("_")}
