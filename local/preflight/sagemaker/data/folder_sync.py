"""A folder of a running container kept in S3, file by file as they are: checkpoints, TensorBoard and Continuous output.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.downloads import download_prefix
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.names import key_below
from preflight.sagemaker.data.outputs import encryption
from preflight.sagemaker.launching.container import Container

LOG = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
IGNORED_SUFFIX = ".sagemaker-ignore"  # what a container still writes, by the convention of AWS's own
DEFAULT_CHECKPOINT_PATH = "/opt/ml/checkpoints"
DEFAULT_TENSORBOARD_PATH = "/opt/ml/output/tensorboard"


class FolderSync:
    """``host_folder / relative_path`` to the objects below ``uri``, while its container runs.

    Nothing is deleted from S3.
    """

    def __init__(
        self,
        services: Clients,
        scope: Scope,
        host_folder: Path,
        relative_path: str,
        uri: S3Uri,
        kms_key_id: str = "",
    ) -> None:
        self._services = services
        self._scope = scope
        self._relative_path = relative_path
        self._folder = host_folder / relative_path
        self._uri = uri.below("")
        self._encryption = encryption(services, scope, kms_key_id)
        self._uploaded: dict[str, tuple[int, int]] = {}  # by name: the time and size of what S3 has
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder.mkdir(parents=True, exist_ok=True)

    def fill(self, check: Callable[[], None]) -> None:
        """Copy what S3 has to the folder; ``check`` may raise to give up. Raises ArtifactError."""
        download_prefix(self._services, self._scope, self._uri, self._folder, check)
        self._uploaded = dict(self._states())

    def start(self, container: Container) -> None:
        """Follow what ``container`` writes."""
        self._thread = threading.Thread(target=self._run, args=(container,), name=f"sync-{self._uri}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Copy what is not in S3 yet, and end; the container has ended. Raises ArtifactError."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        try:
            self._upload_changes()
        except (*S3_ERRORS, OSError) as error:
            raise ArtifactError(f"Unable to upload to {self._uri}: {error}") from error

    def _run(self, container: Container) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            try:
                container.fetch(self._relative_path)
                self._upload_changes()
            except Exception as error:  # of S3, or of whoever runs the container; the end is what counts
                LOG.warning("%s could not be written, and is tried again: %s", self._uri, error)

    def _upload_changes(self) -> None:
        """Raises ArtifactError, after the others, for a file that cannot be an object."""
        client = self._services.client("s3", self._scope)
        refused: ArtifactError | None = None
        for name, state in self._states():
            if self._uploaded.get(name) == state:
                continue
            try:
                key = key_below(self._uri.key, name)
                client.upload_file(str(self._folder / name), self._uri.bucket, key, ExtraArgs=self._encryption)
            except FileNotFoundError:
                continue  # a file that was only in passing
            except ArtifactError as error:
                refused = error
                continue
            self._uploaded[name] = state
        if refused:
            raise refused

    def _states(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Name below the folder, change time and size of each file; links are not followed."""
        if self._folder.is_symlink():  # the container's doing
            return
        for parent, _, files in os.walk(self._folder):
            for file in files:
                if file.endswith(IGNORED_SUFFIX):
                    continue
                path = Path(parent, file)
                try:
                    status = path.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if path.is_file() and not path.is_symlink():
                    yield str(path.relative_to(self._folder)), (status.st_mtime_ns, status.st_size)
