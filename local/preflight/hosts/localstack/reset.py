"""``POST /_localstack/state/reset``: everything this stack holds is gone, and the stack stays up.

LocalStack's open line has no such request, though each of its services knows its own state: this lets every running
service forget it. SageMaker goes first, for its jobs and endpoints use the others; requests to it wait until all is
gone.
"""

import logging
from collections.abc import Iterable

from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.services.internal import get_internal_apis
from localstack.services.plugins import SERVICE_PLUGINS, Service
from localstack.services.stores import AccountRegionBundle
from localstack.state import StateVisitor
from moto.core.base_backend import BackendDict

from preflight.hosts.localstack import storage
from preflight.hosts.localstack.services import LIFE
from preflight.hosts.localstack.state.plugin import forgotten

LOG = logging.getLogger(__name__)
PATH = "/_localstack/state/reset"


@hooks.on_infra_start()
def add_reset() -> None:
    """Answer the request."""
    get_internal_apis().add(PATH, _reset, methods=["POST"])


def _reset(request: Request) -> Response:
    running = [name for name in SERVICE_PLUGINS.list_available() if SERVICE_PLUGINS.is_running(name)]
    with LIFE.emptied(), forgotten():
        return _reset_services(running)


def _reset_services(names: Iterable[str]) -> Response:
    for name in names:
        service = SERVICE_PLUGINS.get_service(name)
        assert service is not None
        try:
            _reset_service(name, service)
        except Exception as error:
            LOG.exception("The state of %s could not be reset.", name)
            response = Response(status=500)
            response.set_json({"message": f"The state of {name} could not be reset: {error!r}. Restart the stack."})
            return response
    return Response(status=200)


def _reset_service(name: str, service: Service) -> None:
    service.lifecycle_hook.on_before_state_reset()
    service.accept_state_visitor(_Forget())
    if name == "s3":  # the only one that keeps what it holds outside of its store
        storage.objects().reset()
    service.lifecycle_hook.on_after_state_reset()


class _Forget(StateVisitor):
    """Empties stores. A file that only a store knew of cannot be reached any more, and goes when the stack does."""

    def visit(self, state_container: object) -> None:
        if isinstance(state_container, AccountRegionBundle):
            state_container.reset()
        elif isinstance(state_container, BackendDict):
            for backends_of_account in state_container.values():
                backends_of_account.reset()
