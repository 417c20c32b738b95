"""What the built-in's container asks of a channel and its files before it reads them, in its words."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from preflight_container import content_types
from preflight_container.channels import Channel
from preflight_container.errors import CustomerError
from preflight_container.formats.csv_rows import find_delimiter
from preflight_container.log import log

# Every name a channel may declare, and what it stands for. AWS compares the whole ContentType, parameters and case too.
TRAINING_TYPES: Mapping[str, str] = {
    "csv": content_types.CSV,
    "libsvm": content_types.LIBSVM,
    "parquet": content_types.PARQUET,
    "recordio-protobuf": content_types.RECORDIO_PROTOBUF,
    content_types.CSV: content_types.CSV,
    content_types.LIBSVM: content_types.LIBSVM,
    "text/x-libsvm": content_types.LIBSVM,
    content_types.PARQUET: content_types.PARQUET,
    content_types.RECORDIO_PROTOBUF: content_types.RECORDIO_PROTOBUF,
}
CHANNELS: Mapping[str, Mapping[str, str]] = {
    "train": TRAINING_TYPES,
    "validation": TRAINING_TYPES,
    "code": {"text/python": "text/python"},  # script mode's; the built-in does not look at it
}
PIPED = {
    content_types.CSV: "CSV",
    content_types.PARQUET: "Parquet",
    content_types.RECORDIO_PROTOBUF: "RecordIO-Protobuf",
}
MAX_FOLDER_DEPTH = 3
SHOWN_CHARACTERS = 50


def check_channels(channels: Mapping[str, Channel]) -> None:
    """Raises CustomerError where a channel is missing, unknown, or declared as the container does not take it."""
    if "train" not in channels:
        raise CustomerError("Missing required channel: train")
    for name, channel in channels.items():
        if name not in CHANNELS:
            raise CustomerError(f"Extraneous channel found: {name}")
        declared = channel.config.get("ContentType", content_types.LIBSVM)
        known = CHANNELS[name].get(declared)
        piped = channel.input_mode == "Pipe"
        if known is None or (piped and known not in PIPED):
            config = {**channel.config, "ContentType": declared}
            raise CustomerError(f"Channel configuration for '{name}' channel is not supported: {config}")
        if piped:
            raise CustomerError(
                f"Pipe mode for {PIPED[known]} is no longer supported. Please use Fast File mode (default) instead. "
                "Set input_mode='File' in your SageMaker Estimator or TrainingInput."
            )


def training_type(channel: Channel) -> str:
    """The media type of a checked channel; one that declares nothing holds libsvm."""
    return TRAINING_TYPES[channel.config.get("ContentType", content_types.LIBSVM)]


def has_data(channel: Channel) -> bool:
    """Whether its files hold anything."""
    return any(path.stat().st_size for path in channel.files())


def data_files(channel: Channel) -> list[Path]:
    """The channel's files that are read. Raises CustomerError where one is hidden, or none holds anything."""
    files = channel.files()
    for path in files:
        if path.name.startswith("."):
            raise CustomerError(
                f"Hidden file found in the data path! Remove that before training. ({channel.paths.shown(path)})"
            )
    if not has_data(channel):
        kind = "training" if channel.name == "train" else channel.name
        raise CustomerError(f"No data in {kind} channel path {channel.paths.shown(channel.folder)}")
    near = [path for path in files if len(path.relative_to(channel.folder).parts) <= MAX_FOLDER_DEPTH]
    if len(near) < len(files):
        log(
            f"The depth of folder {channel.paths.shown(channel.folder)} exceed the limit {MAX_FOLDER_DEPTH}. Files in "
            "deeper sub dirs won't be loaded. Please adjust the folder structure accordingly.",
            level="WARNING",
        )
    return near


def is_checked(source: str) -> bool:
    """Whether the container looks at the first line of that file before it reads it."""
    return not Path(source).name.startswith("_")


def delimiter_of(stream: BinaryIO) -> bytes:
    """What stands between the values of a CSV file, told from its first line as on AWS.

    Raises:
        CustomerError: Python's csv.Sniffer cannot tell it, or takes a part of a number for it.
    """
    line = stream.readline().decode("utf-8", "ignore")
    stream.seek(0)
    try:
        found = find_delimiter(line)
    except csv.Error as error:
        raise CustomerError(f"Could not determine delimiter on line {line[:SHOWN_CHARACTERS]}:\n{error}") from error
    if found.isalnum() or found in "+-.\"'":
        raise other_delimiter(found)
    return found.encode()


def other_delimiter(expected: str) -> CustomerError:
    """What the container says of a file that has another delimiter than it looks for."""
    return CustomerError(
        f"Failed to load csv data with exception:\nDelimiter '{expected}' is not found in the line. "
        f"Expected '{expected}' as the delimiter to separate fields."
    )


def require_libsvm(source: str, stream: BinaryIO) -> None:
    """Raises CustomerError where a line, up to the first with two features, is not libsvm by AWS's simple test."""
    for line in _lines(stream):
        label, *features = line.split(" ")
        if not _is_label(label) or not all(":" in feature for feature in features):
            raise CustomerError(
                f"First line '{line[:SHOWN_CHARACTERS]}...' of file '{Path(source).name}' is not 'LIBSVM' format. "
                "Please ensure the file is in 'LIBSVM' format."
            )
        if len(features) > 1:
            break
    stream.seek(0)


def _lines(stream: BinaryIO) -> Iterator[str]:
    return (line.decode("utf-8", "ignore") for line in stream)


def _is_label(text: str) -> bool:
    """A number, or number:weight."""
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return False
    return len(numbers) <= 2
