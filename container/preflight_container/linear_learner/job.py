"""Linear Learner's training job: read the channels, train the grid, keep the best model, report on it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.channels import Channel
from preflight_container.content_types import ContentType
from preflight_container.dataset import Dataset
from preflight_container.errors import CustomerError, DataError
from preflight_container.formats.csv_rows import read_csv
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.hosts import Hosts
from preflight_container.linear_learner.artifact import save_model
from preflight_container.linear_learner.hyperparameters import BINARY, MULTICLASS, REGRESSOR, read_hyperparameters
from preflight_container.linear_learner.metrics import evaluate, metric_kind
from preflight_container.linear_learner.trainer import Trainer
from preflight_container.log import log
from preflight_container.paths import Paths
from preflight_container.records import Block, Labelled, Reader, read_blocks, with_labels

Array = NDArray[np.float32]

CHANNELS = ("train", "validation", "test")

# Every feature is a column of each of the models, with what their optimizer remembers of it.
MAX_FEATURES = 1 << 20


def run(paths: Paths, hyperparameters: dict[str, str], channels: dict[str, Channel], hosts: Hosts) -> None:
    """Trains and writes the model into the model folder.

    Raises:
        CustomerError: a hyperparameter, a channel or its data is wrong.
    """
    if len(hosts.names) > 1:
        raise CustomerError(
            f"Training on {len(hosts.names)} hosts is not supported by Preflight yet; use one instance."
        )
    values = read_hyperparameters(hyperparameters)
    log(f"Final configuration: {json.dumps(hyperparameters, sort_keys=True)}")
    _check_channels(channels)
    with ExitStack() as stack:
        data: dict[str, Dataset] = {}
        for name in CHANNELS:
            if name in channels:
                data[name] = stack.enter_context(Dataset(paths.scratch))
                _load(channels[name], data[name], values)
        model = Trainer(values, data["train"], data.get("validation")).train()
        save_model(model, paths.model)
        for name in CHANNELS:
            if name in data:
                _report(name, evaluate(model, data[name].blocks(), values))
    if "test" not in data:
        log("Test data is not provided.")


def _check_channels(channels: dict[str, Channel]) -> None:
    if "train" not in channels:
        raise CustomerError("The train channel is missing; Linear Learner needs it.")
    for name, channel in channels.items():
        if name not in CHANNELS:
            raise CustomerError(f"Channel {name} is not one of Linear Learner's: {', '.join(CHANNELS)}.")
        content_type = _content_type(channel)
        if content_type.name not in READERS:
            raise CustomerError(
                f"No iterator has been registered for ContentType ({content_type.name!r}, '1.0'). Linear Learner reads "
                f"{' and '.join(READERS)} (channel {name})."
            )
        if content_type.parameters.get("label_size", "1") != "1":
            raise CustomerError(f"Channel {name}: the label_size of a training channel must be 1.")


def _content_type(channel: Channel) -> ContentType:
    """As on AWS, a channel that declares nothing holds recordio-protobuf."""
    return channel.content_type or ContentType(content_types.RECORDIO_PROTOBUF)


def _load(channel: Channel, data: Dataset, values: dict[str, Any]) -> None:
    """Reads a channel into its dataset; resolves feature_dim "auto" by the first record."""
    content_type = _content_type(channel).name

    def refuse(source: str, error: DataError) -> CustomerError:
        return CustomerError(f"Unable to parse {FORMAT_NAMES[content_type]}: file {source}, {error}")

    for block in read_blocks(channel.streams(), READERS[content_type], refuse, channel.name):
        if values["feature_dim"] is None:
            values["feature_dim"] = _feature_dim(block)
        if values["feature_dim"] > MAX_FEATURES:
            raise CustomerError(f"More than {MAX_FEATURES} features are not supported by Preflight yet.")
        _check_block(block, values)
        for labels, features in block.dense(values["feature_dim"]):
            data.append(labels, features)
    if not data.rows:
        raise CustomerError(f"No data in {channel.name} channel: its files hold no record.")
    log(f"Channel {channel.name}: {data.rows} records with {data.feature_dim} features.")


def _feature_dim(block: Block) -> int:
    if isinstance(block.features, SparseRows) and block.features.width is None:
        raise CustomerError("feature_dim cannot be auto: the sparse records do not declare their shape.")
    return block.feature_dim


def _check_block(block: Block, values: dict[str, Any]) -> None:
    expected = values["feature_dim"]
    declared = not isinstance(block.features, SparseRows) or block.features.width is not None
    if block.feature_dim > expected or (declared and block.feature_dim < expected):
        raise CustomerError(
            f"The records have {block.feature_dim} features ({block.record_name(0)}), but feature_dim is {expected}."
        )
    predictor_type = values["predictor_type"]
    if predictor_type == REGRESSOR:
        return
    classes = 2 if predictor_type == BINARY else values["num_classes"]
    labels = block.labels
    wrong = np.flatnonzero((labels < 0) | (labels >= classes) | (labels != np.floor(labels)))
    if wrong.size:
        allowed = "0 or 1" if predictor_type == BINARY else f"an integer from 0 to {classes - 1}"
        why = f"num_classes is {classes}" if predictor_type == MULTICLASS else f"predictor_type is {BINARY}"
        raise CustomerError(
            f"The label in {block.record_name(int(wrong[0]))}, column 1 is {labels[wrong[0]]:g}; it must be "
            f"{allowed}, since {why}."
        )


def _read_csv(source: str, stream: BinaryIO) -> Iterator[Labelled]:
    return with_labels(read_csv(stream))


def _read_recordio(source: str, stream: BinaryIO) -> Iterator[Labelled]:
    from preflight_container.formats.recordio_protobuf import read_recordio  # slow to import, and few need it

    return read_recordio(stream)


READERS: dict[str, Reader] = {content_types.RECORDIO_PROTOBUF: _read_recordio, content_types.CSV: _read_csv}
FORMAT_NAMES = {content_types.RECORDIO_PROTOBUF: "recordio-protobuf", content_types.CSV: "csv"}


def _report(channel: str, metrics: dict[str, float]) -> None:
    for name, value in _ordered(metrics):
        log(f"#{channel}_score (algo-1) : ('{name}', {value!r})")
    for name, value in _ordered(metrics):
        log(f"#quality_metric: host=algo-1, {channel} {name} <{metric_kind(name)}>={value!r}")


def _ordered(metrics: dict[str, float]) -> Iterator[tuple[str, float]]:
    return ((name, float(value)) for name, value in metrics.items())
