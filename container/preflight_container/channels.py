"""Input channels: the files or pipes SageMaker puts below `/opt/ml/input/data`."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from preflight_container.content_types import ContentType
from preflight_container.errors import AlgorithmError, CustomerError
from preflight_container.paths import Paths

PIPE_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Channel:
    """One channel of the job. `content_type` is None when the request declared none; `config` is all it declared."""

    name: str
    content_type: ContentType | None
    input_mode: str
    paths: Paths
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, name: str, config: dict[str, Any], paths: Paths) -> "Channel":
        mode = config.get("TrainingInputMode") or "File"
        if mode not in ("File", "FastFile", "Pipe"):
            raise CustomerError(f"Channel {name}: TrainingInputMode {mode} is not supported by Preflight yet.")
        declared = config.get("ContentType")
        return cls(name, ContentType.parse(declared) if declared else None, mode, paths, config)

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.paths.data / self.name

    def files(self) -> list[Path]:
        """The files in name order, hidden ones too."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def streams(self, files: Iterable[Path] | None = None) -> Iterator[tuple[str, BinaryIO]]:
        """(path as a message shows it, open stream) of each file, or of the one pipe.

        Args:
            files: those to read; all that are not hidden if None.

        Raises:
            CustomerError: the channel holds no file.
        """
        for path in [self._pipe()] if self.input_mode == "Pipe" else files or self._visible_files():
            with path.open("rb") as stream:
                yield self.paths.shown(path), stream

    def _visible_files(self) -> list[Path]:
        files = [path for path in self.files() if not path.name.startswith(".")]
        if not files:
            raise CustomerError(f"No data in {self.name} channel path {self.paths.shown(self.folder)}")
        return files

    def _pipe(self) -> Path:
        """The first epoch's pipe; the platform may make it a little after the container starts."""
        path = self.paths.data / f"{self.name}_0"
        deadline = time.monotonic() + PIPE_TIMEOUT_SECONDS
        while not path.exists():
            if time.monotonic() > deadline:
                raise AlgorithmError(f"The pipe {self.paths.shown(path)} of channel {self.name} did not appear.")
            time.sleep(0.05)
        return path


def read_channels(paths: Paths) -> dict[str, Channel]:
    """The job's channels by name, from inputdataconfig.json."""
    config = paths.read_object(paths.input_data_config)
    if not all(isinstance(entry, dict) for entry in config.values()):
        raise AlgorithmError(f"{paths.shown(paths.input_data_config)} must hold an object for each channel.")
    return {name: Channel.from_config(name, entry, paths) for name, entry in config.items()}
