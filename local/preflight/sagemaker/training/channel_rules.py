"""What AWS asks of a training job's input channels beyond the model."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.data.channels import Channel

_DATA_TYPES = refused_case("CreateTrainingJob", "S3DataType other than S3Prefix and ManifestFile")
_RECORD_IO = refused_case("CreateTrainingJob", "RecordWrapperType RecordIO")


def channels_of(request: Mapping[str, Any]) -> list[Channel]:
    """The channels of a CreateTrainingJob request."""
    default = request["AlgorithmSpecification"]["TrainingInputMode"]
    return [Channel.of(entry, default) for entry in request.get("InputDataConfig", [])]


def require_channels(request: Mapping[str, Any]) -> None:
    """Return if AWS would take the channels of ``request`` and Preflight can read them.

    Raises:
        ValidationException, UnsupportedByPreflight
    """
    for entry in request.get("InputDataConfig", []):
        if "S3DataSource" not in entry["DataSource"]:
            raise ValidationException(  # words guessed
                f"Channel {entry['ChannelName']} needs a DataSource with an S3DataSource."
            )
    channels = channels_of(request)
    _require_names(channels)
    groups = [group["InstanceGroupName"] for group in request["ResourceConfig"].get("InstanceGroups", [])]
    for channel in channels:
        _require_readable(channel)
        for group in channel.groups:
            if group not in groups:
                raise ValidationException(  # words guessed
                    f"Channel {channel.name} names the instance group {group}, which ResourceConfig does not have."
                )


def _require_names(channels: list[Channel]) -> None:
    names = [channel.name for channel in channels]
    if len(set(names)) < len(names):
        raise ValidationException("Channel names must be unique within a training job.")  # words guessed
    for channel in channels:
        if channel.name in (".", ".."):
            raise ValidationException(f"The channel name {channel.name} is not allowed.")  # words guessed
        fifo = re.compile(re.escape(channel.name) + r"_\d+")
        if channel.input_mode == "Pipe" and (clash := next(filter(fifo.fullmatch, names), None)):
            raise ValidationException(  # words guessed
                f"The channel name {clash} is that of a pipe of channel {channel.name}."
            )


def _require_readable(channel: Channel) -> None:
    kind, mode, name = channel.data_type, channel.input_mode, channel.name
    if kind == "AugmentedManifestFile" and mode != "Pipe":
        raise ValidationException(  # words guessed
            f"AugmentedManifestFile can only be used if the input mode is Pipe (channel {name})."
        )
    if kind not in ("S3Prefix", "ManifestFile"):
        raise _DATA_TYPES.error(f"{kind}, channel {name}")
    if channel.attribute_names:
        raise ValidationException(  # words guessed
            f"AttributeNames can only be used with AugmentedManifestFile (channel {name})."
        )
    if mode == "FastFile" and kind != "S3Prefix":
        raise ValidationException(f"FastFile mode supports S3DataType S3Prefix only (channel {name}).")  # words guessed
    wrapped = channel.record_wrapper == "RecordIO"
    if mode != "Pipe":
        for member, is_set in (("CompressionType Gzip", channel.is_gzipped), ("RecordWrapperType RecordIO", wrapped)):
            if is_set:
                raise ValidationException(f"{member} needs InputMode Pipe (channel {name}).")  # words guessed
    if wrapped:
        raise _RECORD_IO.error(f"channel {name}")


def require_data(services: Clients, scope: Scope, channels: Iterable[Channel], role_arn: str) -> None:
    """Raises ValidationException, in AWS's words, for a channel without objects, or in another region's bucket."""
    for channel in channels:
        bucket = channel.uri.bucket
        if s3.bucket_region(services, scope, bucket) == scope.region and _has_objects(services, scope, channel):
            continue
        raise ValidationException(
            f'No S3 objects found under S3 URL "{channel.s3_uri}" given in input data source. Please '
            f"ensure that the bucket exists in the selected region ({scope.region}), that objects exist under "
            f'that S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )


def _has_objects(services: Clients, scope: Scope, channel: Channel) -> bool:
    if channel.is_manifest:
        return s3.has_object(services, scope, channel.uri)
    return next(s3.objects(services, scope, channel.uri), None) is not None
