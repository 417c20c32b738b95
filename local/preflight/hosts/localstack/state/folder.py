"""The folder of what is kept: which version wrote it, whose it is, and the pickles in it, each with its checksum.

version.json      which Preflight and LocalStack wrote what is here
services/         a pickle for each store of LocalStack's services
files/            what services keep in files of their own: CloudWatch's metrics
s3/               the bytes of S3's objects
sagemaker/        a document for each of SageMaker's resources
aside/            what could not be read, by the time it was found
"""

import hashlib
import json
import logging
import shutil
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from preflight import kept_files

LOG = logging.getLogger(__name__)

FORMAT = 1  # of all that lies here but SageMaker's documents
_CHECKSUM_BYTES = 32
_PARTS = ("services", "files", "s3")


class StateFolder:
    """``home`` may be there or not. ``notes`` is what is to be said of what could not be used."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.notes: list[str] = []

    @property
    def files(self) -> Path:
        return self.home / "files"

    @property
    def objects(self) -> Path:
        return self.home / "s3"

    def open(self) -> None:
        """Set aside what cannot be used, and be ready to be written.

        Raises:
            NotOwn: others can have written here.
        """
        kept_files.make_folder(self.home)
        kept_files.require_own(self.home)
        written_by = self._written_by()
        if written_by.get("format", FORMAT) != FORMAT:
            for part in _PARTS:
                self._leave(self.home / part, f"is of a Preflight with another form of state ({written_by})")
        for part in _PARTS:
            for path in (self.home / part, *self.home.glob("services/*")):
                if path.exists() and not path.is_dir():
                    self._leave(path, "is no folder")
        for path in self.home.glob("services/*/[!.]*"):
            self._require_whole(path)
        for path in self.files.glob("**/*.db"):
            self._require_whole_database(path)
        versions = {"preflight": version("preflight-sagemaker"), "localstack": version("localstack-core")}
        stamp = {"format": FORMAT, **versions}
        if stamp != written_by:
            kept_files.write(self.home / "version.json", json.dumps(stamp, indent=1).encode())

    def read(self, service: str, container: str) -> bytes | None:
        """A pickle; None if there is none."""
        path = self._path(service, container)
        return path.read_bytes()[_CHECKSUM_BYTES:] if path.exists() else None

    def write(self, service: str, container: str, pickled: bytes) -> None:
        """Raises OSError; nothing has changed then."""
        kept_files.write(self._path(service, container), hashlib.sha256(pickled).digest() + pickled)

    def services(self) -> list[str]:
        """Of which something is kept."""
        return sorted(path.name for path in self.home.glob("services/*/"))

    def leave(self, service: str, reason: str) -> None:
        """Set aside what is kept of a service."""
        self._leave(self.home / "services" / service, reason)
        if service == "s3":
            self._leave(self.objects, reason)

    def forget(self) -> None:
        """Nothing is kept any more, but what was set aside."""
        for part in (*_PARTS, "sagemaker"):
            if part != "files":  # the services have these open, and empty them
                shutil.rmtree(self.home / part, ignore_errors=True)

    def _path(self, service: str, container: str) -> Path:
        return self.home / "services" / service / container

    def _written_by(self) -> dict[str, object]:
        try:
            found = json.loads((self.home / "version.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _require_whole(self, path: Path) -> None:
        service = path.parent.name
        try:
            kept_files.require_own(path)
            content = path.read_bytes()
        except (OSError, kept_files.NotOwn) as error:
            return self.leave(service, f"cannot be read: {error}")
        if hashlib.sha256(content[_CHECKSUM_BYTES:]).digest() != content[:_CHECKSUM_BYTES]:
            self.leave(service, "is damaged")
        return None

    def _require_whole_database(self, path: Path) -> None:
        try:
            with closing(sqlite3.connect(path)) as database:
                found = database.execute("PRAGMA quick_check").fetchone()
        except sqlite3.Error as error:
            found = (str(error),)
        if found != ("ok",):
            self._leave(path, f"is damaged: {found[0] if found else ''}")

    def _leave(self, path: Path, reason: str) -> None:
        if not path.exists():
            return
        place = kept_files.set_aside(path, self.home)
        self.notes.append(f"What was kept in {path.relative_to(self.home)} {reason}. It is in {place}.")
        LOG.warning("%s", self.notes[-1])
