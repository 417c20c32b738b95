"""Models of one multi-model container: each is brought and loaded when it is first asked, and goes when room is needed.

A request names its model, an archive below the container's ModelDataUrl. The container loads, answers and unloads
models by its ``/models``; where it says that its memory is full (507), the model goes that was asked longest ago.

https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.serving.reply import NoAnswer, NoReply, Reply
from preflight.sagemaker.serving.serving_container import ServingContainer

MAX_LOADING_SECONDS = 360.0  # page: "Invoke a Multi-Model Endpoint"
LOADED_ALREADY, NO_MEMORY, NOT_LOADED = 409, 507, 404
MAX_ANSWER_BYTES = 1 << 20  # of the container's own, to loading and unloading
FOLDER = "models"

Measure = Callable[[str, str, float], None]  # a metric, its unit, its value
Download = Callable[[S3Uri, Path, int], None]  # to a folder, so many bytes at most; raises ArtifactError


class ModelNotThere(Exception):
    """The data of a model cannot be brought from ``uri``."""

    def __init__(self, uri: S3Uri, reason: str) -> None:
        super().__init__(reason)
        self.uri = uri


class ModelNotReady(Exception):
    """A model is not loaded by the deadline of the request; its loading goes on."""


class ModelFailure(Exception):
    """The container could not load a model, or did not answer for it: ``cause``."""

    def __init__(self, cause: Reply | NoReply) -> None:
        super().__init__(repr(cause))
        self.cause = cause


@dataclass(eq=False)
class _Model:
    """``key`` is its name in the container; ``users`` are the requests that have it."""

    name: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    users: int = 0
    last_used: float = 0.0
    is_here: bool = False
    is_loaded: bool = False
    loading: Future[None] | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)  # one loads it or unloads it


class Models:
    """What ``container`` serves: the archives below ``prefix``, kept in ``folder``, ``max_bytes`` at most.

    With ``is_cached`` false, each is unloaded and deleted when its request is answered.
    """

    def __init__(
        self,
        container: ServingContainer,
        prefix: str,
        folder: Path,
        max_bytes: int,
        download: Download,
        measure: Measure,
        *,
        is_cached: bool,
    ) -> None:
        self._container, self._prefix, self._folder, self._max_bytes = container, prefix, folder, max_bytes
        self._download, self._measure, self._is_cached = download, measure, is_cached
        self._changed = threading.Condition()  # guards the models
        self._models: dict[str, _Model] = {}
        self._moving = 0  # how many come into the container's memory or leave it now
        self._moves = 0  # how many have

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes, deadline: float, max_bytes: int) -> Reply:
        """What the model of that name answers.

        Raises:
            ModelNotThere, ModelNotReady, ModelFailure
        """
        model = self._take(name)
        try:
            started = time.monotonic()
            is_hit = self._ensure_loaded(model, deadline)
            self._measure("ModelCacheHit", "None", is_hit)
            if not is_hit:
                self._measure("ModelLoadingWaitTime", "Microseconds", 1e6 * (time.monotonic() - started))
            path = f"/models/{model.key}/invoke"
            reply = self._ask("POST", path, deadline, headers, body, max_bytes)
            if reply.status == NOT_LOADED and not self._has(model, deadline):  # another container has taken its place
                with self._changed:
                    model.is_loaded = False
                self._ensure_loaded(model, deadline)
                reply = self._ask("POST", path, deadline, headers, body, max_bytes)
            return reply
        finally:
            self._give_back(model)

    def has(self, name: str) -> bool:
        """Whether the model of that name is loaded, or a request waits for it."""
        with self._changed:
            model = self._models.get(name)
            return model is not None and (model.is_loaded or model.users > 0)

    def _take(self, name: str) -> _Model:
        with self._changed:
            if name not in self._models:
                self._models[name] = _Model(name)
            model = self._models[name]
            model.users += 1
        return model

    def _give_back(self, model: _Model) -> None:
        with self._changed:
            model.users -= 1
            model.last_used = time.monotonic()
            is_over = not model.users and not model.is_loaded and not model.is_here and model.loading is None
            if is_over:  # of a name that was never a model's, nothing stays
                self._models.pop(model.name, None)
            self._changed.notify_all()
        if not self._is_cached and model.is_loaded:
            threading.Thread(target=self._forget, args=(model,), name="model-unloader", daemon=True).start()

    def _ensure_loaded(self, model: _Model, deadline: float) -> bool:
        """Return once it is loaded; whether it was already."""
        with self._changed:
            if model.is_loaded:
                return True
            loading = model.loading
            if loading is None:
                loading = model.loading = Future()
                threading.Thread(target=self._load, args=(model, loading), name="model-loader", daemon=True).start()
        try:
            loading.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise ModelNotReady from None
        return False

    def _load(self, model: _Model, loading: "Future[None]") -> None:
        try:
            with model.turn:
                self._bring(model)
                self._load_into_container(model)
        except BaseException as error:
            with self._changed:
                model.loading = None
            loading.set_exception(error)
        else:
            self._count()
            loading.set_result(None)

    def _bring(self, model: _Model) -> None:
        """Have its files where the container sees them. Raises ModelNotThere, ModelFailure."""
        if model.is_here:
            return
        uri, folder = S3Uri.parse(self._prefix), self._folder / model.key / "model"
        uri = S3Uri(uri.bucket, f"{uri.key}{model.name}")
        started = time.monotonic()
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._download(uri, folder, self._max_bytes - _size(self._folder))
                break
            except ArtifactError as error:
                remove_folder(folder.parent)
                if isinstance(error.__cause__, S3_ERRORS) or not self._delete_unused():
                    raise ModelNotThere(uri, str(error)) from error
        try:
            self._container.bring(f"{FOLDER}/{model.key}")
        except OSError as error:
            remove_folder(folder.parent)
            raise ModelFailure(NoAnswer()) from error
        model.is_here = True
        self._measure("ModelDownloadingTime", "Microseconds", 1e6 * (time.monotonic() - started))

    def _load_into_container(self, model: _Model) -> None:
        """Have the container load it, and others leave where there is no memory for all. Raises ModelFailure."""
        request = {"model_name": model.key, "url": f"/opt/ml/{FOLDER}/{model.key}/model"}
        started = time.monotonic()
        deadline = started + MAX_LOADING_SECONDS
        while True:
            headers = {"Content-Type": "application/json"}
            seen = self._moves
            with self._move():
                reply = self._ask("POST", "/models", deadline, headers, json.dumps(request).encode())
                if reply.status == LOADED_ALREADY or 200 <= reply.status < 300:
                    with self._changed:
                        model.is_loaded, model.loading = True, None
                        self._moves += 1
                    break
            if reply.status != NO_MEMORY or not self._make_room(seen, deadline):
                raise ModelFailure(reply)
        self._measure("ModelLoadingTime", "Microseconds", 1e6 * (time.monotonic() - started))

    @contextlib.contextmanager
    def _move(self) -> Iterator[None]:
        """While a model comes into the container's memory or leaves it."""
        with self._changed:
            self._moving += 1
        try:
            yield
        finally:
            with self._changed:
                self._moving -= 1
                self._changed.notify_all()

    def _make_room(self, seen: int, deadline: float) -> bool:
        """Unload the model that was asked longest ago, once one is idle, unless more than ``seen`` models have moved.

        False if there is none, nor will be; or not in time.
        """
        with self._changed:  # from the look to the wait: what changes between them would tell nobody
            while (idle := self._oldest(lambda model: model.is_loaded)) is None and self._moves == seen:
                if not self._moving and not any(model.is_loaded for model in self._models.values()):
                    return False
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False
            if self._moves != seen:
                return True
        assert idle is not None
        self._unload(idle)
        return True

    def _oldest(self, is_meant: Callable[[_Model], bool]) -> _Model | None:
        """Of the models that no request has, the one that was used longest ago."""
        with self._changed:
            idle = [model for model in self._models.values() if not model.users and is_meant(model)]
            return min(idle, key=lambda model: model.last_used, default=None)

    def _unload(self, model: _Model) -> None:
        with model.turn, self._move():
            with self._changed:
                if model.users or not model.is_loaded:
                    return
                model.is_loaded = False
            started = time.monotonic()
            self._ask("DELETE", f"/models/{model.key}", started + MAX_LOADING_SECONDS)
            with self._changed:
                self._moves += 1
            self._measure("ModelUnloadingTime", "Microseconds", 1e6 * (time.monotonic() - started))
        self._count()

    def _forget(self, model: _Model) -> None:
        try:
            self._unload(model)
        except ModelFailure:  # its container has ended, and the model with it
            return
        self._delete(model)

    def _delete_unused(self) -> bool:
        """Delete the files of the unloaded model that was asked longest ago; false if there is none."""
        unused = self._oldest(lambda model: model.is_here and not model.is_loaded)
        return unused is not None and self._delete(unused)

    def _delete(self, model: _Model) -> bool:
        with self._changed:
            if model.users or model.is_loaded:
                return False
            model.is_here = False
            self._models.pop(model.name, None)
        remove_folder(self._folder / model.key)
        return True

    def _has(self, model: _Model, deadline: float) -> bool:
        return self._ask("GET", f"/models/{model.key}", deadline).status != NOT_LOADED

    def _ask(
        self,
        method: str,
        path: str,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Reply:
        try:
            return self._container.request(method, path, deadline, headers, body).read(max_bytes)
        except NoReply as error:
            raise ModelFailure(error) from error

    def _count(self) -> None:
        with self._changed:
            count = sum(model.is_loaded for model in self._models.values())
        self._measure("LoadedModelCount", "None", count)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
