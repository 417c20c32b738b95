"""What the hosts of a job read from S3: which objects, on which host, as files or through pipes.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.data.downloads import download_object
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.names import safe_path
from preflight.sagemaker.data.objects import InputObject, objects_below, objects_of_manifest, share
from preflight.sagemaker.data.pipes import Pipe
from preflight.sagemaker.data.s3_input import S3Input
from preflight.sagemaker.launching.container import Container

PIPE_JOIN_SECONDS = 10


class Inputs:
    """The inputs of one job. A host is given by its folder, which its container sees as ``/opt/ml``.

    ``on_error`` is told of an object that cannot be read while containers run: none of them may take what has come
    through a pipe for the whole.
    """

    def __init__(self, services: Clients, scope: Scope, on_error: Callable[[], None]) -> None:
        self._services = services
        self._scope = scope
        self._on_error = on_error
        self._error: ArtifactError | None = None
        self._pipes: dict[Path, list[Pipe]] = defaultdict(list)

    def bring(self, source: S3Input, folders: Sequence[Path], check: Callable[[], None]) -> None:
        """Bring ``source`` to each of the hosts, its share if it is sharded: files now, a pipe's bytes from ``start``.

        ``check`` is called again and again, and may raise to give up.

        Raises:
            ArtifactError: there is no such object, or its name cannot be a file's.
        """
        objects = _find_objects(self._services, self._scope, source)
        for place, folder in enumerate(folders):
            parts = len(folders) if source.is_sharded else 1
            mine = partial(share, objects, place if source.is_sharded else 0, parts, source.seed)
            if source.input_mode == "Pipe":
                self._pipes[folder].append(Pipe(self._services, self._scope, source, folder, mine))
            else:
                _download(self._services, self._scope, source, mine(0), folder, check)

    def start(self, folder: Path, container: Container) -> None:
        """Feed the pipes of a host to its container."""
        for pipe in self._pipes[folder]:
            pipe.start(container, self._failed)

    def join(self) -> None:
        """Wait until no folder is touched any more; call once the containers have ended."""
        for pipe in chain.from_iterable(self._pipes.values()):
            pipe.join(PIPE_JOIN_SECONDS)

    def require_read(self) -> None:
        """Raises ArtifactError if an object could not be read while the containers ran."""
        if self._error:
            raise self._error

    def _failed(self, error: ArtifactError) -> None:
        self._error = self._error or error
        self._on_error()


def _find_objects(services: Clients, scope: Scope, source: S3Input) -> list[InputObject]:
    find = objects_of_manifest if source.is_manifest else objects_below
    objects = find(services, scope, source.uri)
    if not objects:
        raise ArtifactError(f"No S3 objects found under S3 URL {source.uri!s}.")
    if source.input_mode == "FastFile":
        _require_whole_names(source.uri.key, objects)
    return objects


def _download(
    services: Clients,
    scope: Scope,
    source: S3Input,
    objects: Iterable[InputObject],
    host_folder: Path,
    check: Callable[[], None],
) -> None:
    """Put ``objects`` below ``host_folder`` as files; those of FastFile mode cannot be written to."""
    folder = safe_path(host_folder, source.path)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in objects:
        download_object(services, scope, entry.uri, folder, entry.path, check)
    if source.input_mode == "FastFile":
        for path in [*folder.rglob("*"), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)


def _require_whole_names(prefix: str, objects: Iterable[InputObject]) -> None:
    for entry in objects:
        if prefix and entry.uri.key != prefix and not entry.uri.key.startswith(f"{prefix.rstrip('/')}/"):
            raise ArtifactError(
                "Failed to download data. For FastFile mode, partial S3 prefix is not supported. S3 prefix has to "
                "end with a full file or folder. Add a trailing '/' to the S3 prefix if it ends with a folder name "
                f"that is also a prefix for other folders. Current S3 prefix: [{prefix}], found S3 object: "
                f"[{entry.uri.key}]."
            )
