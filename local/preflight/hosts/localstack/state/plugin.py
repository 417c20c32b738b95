"""Where the kept state meets LocalStack: opened at the start, restored as it is asked for, written to the end."""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator

from localstack import config
from localstack.aws import handlers
from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.edge import ROUTER

from preflight.hosts.localstack.patches import apply
from preflight.hosts.localstack.services import LIFE
from preflight.hosts.localstack.state.folder import StateFolder
from preflight.hosts.localstack.state.keeping import Keeper
from preflight.hosts.localstack.state.restoring import Restorer
from preflight.kept_files import NotOwn
from preflight.sagemaker.settings import kept_folder

STATE_PATH = "/_preflight/state"
DOCUMENTS_PATH = f"{STATE_PATH}/sagemaker"
BEFORE_SERVICES_STOP = -1
BEFORE_MENDS = 1  # these import services, some of which look at once where their files are


@functools.cache
def folder() -> StateFolder | None:
    """None if the stack keeps nothing."""
    home = kept_folder(os.environ)
    return StateFolder(home) if home else None


@functools.cache
def _keeper() -> Keeper:
    kept = folder()
    assert kept is not None
    return Keeper(kept)


@hooks.on_infra_start(priority=BEFORE_MENDS)
def take_up_state() -> None:
    """Look at what is kept; nothing in it keeps the stack from starting but that others may have written it."""
    ROUTER.add(STATE_PATH, _describe, methods=["GET"])
    ROUTER.add(DOCUMENTS_PATH, _documents, methods=["GET"])
    ROUTER.add(DOCUMENTS_PATH, _take_in, methods=["POST"])
    kept = folder()
    if kept is None:
        return
    try:
        kept.open()
        kept.files.mkdir(mode=0o700, exist_ok=True)
    except NotOwn as error:
        raise LocalstackExit(f"{error}\n", 1) from None
    except OSError as error:
        without = "preflight up --ephemeral starts without it"
        raise LocalstackExit(f"{kept.home}, where this stack keeps what it stores: {error}; {without}.\n", 1) from None
    config.dirs.data = str(kept.files)  # what services keep in files of their own is kept there
    restorer = _restorer()
    restorer.restore_what_others_read()
    apply("state", restorer.patches)
    handlers.serve_custom_service_request_handlers.append(_keeper().before_request)
    handlers.run_custom_finalizers.append(_keeper().after_request)


@functools.cache
def _restorer() -> Restorer:
    kept = folder()
    assert kept is not None
    return Restorer(kept)


@hooks.on_infra_ready()
def go_on_with_state() -> None:
    """Keep what changes; services whose state works without being asked are started."""
    if folder() is not None:
        _keeper().start()
        threading.Thread(target=_restorer().start_what_works_by_itself, name="restore-state", daemon=True).start()


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Around what empties the services: what was kept of them is forgotten with it."""
    kept = folder()
    if kept is None:
        yield
        return
    with _keeper().paused():
        yield
        _restorer().forget()
        kept.forget()


@hooks.on_infra_shutdown(priority=BEFORE_SERVICES_STOP)
def keep_state() -> None:
    """Write down everything, once nothing changes any more."""
    LIFE.close()
    if folder() is not None:
        _keeper().close()


def _describe(request: Request) -> Response:
    """What ``preflight`` says of the state: where it is kept, what of it could not be used, what keeping it takes."""
    kept = folder()
    response = Response()
    notes = [*LIFE.service().notes]
    if kept:
        notes = [*kept.notes, *_keeper().problems.values(), *notes]
    where = {"is_kept": kept is not None, "folder": str(kept.home) if kept else None}
    response.set_json(where | {"notes": notes, "seconds": _keeper().seconds if kept else {}})
    return response


def _documents(request: Request) -> Response:
    """SageMaker's resources, for another stack."""
    shared = LIFE.service().documents()
    response = Response()
    response.set_json({"documents": shared.documents, "left_out": shared.left_out})
    return response


def _take_in(request: Request) -> Response:
    """SageMaker's resources of another stack."""
    from preflight.sagemaker.resources.sharing import NotTaken  # slow to import; the stack answers before

    response = Response()
    try:
        with LIFE.held() as service:
            asked = request.get_json()
            taken = service.take_in(asked["documents"], is_trial=bool(asked.get("is_trial")))
            response.set_json({"taken": taken})
    except NotTaken as error:
        response.status_code = 400
        response.set_json({"message": str(error)})
    return response
