"""What AWS asks of a training job's input channels beyond the model."""

import re
from collections.abc import Collection

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.training.request import CreateTrainingJob, InputChannel, S3DataSource

_DATA_TYPES = RefusedCase("CreateTrainingJob", "S3DataType other than S3Prefix and ManifestFile")
_RECORD_IO = RefusedCase("CreateTrainingJob", "RecordWrapperType RecordIO")
REFUSED = (_DATA_TYPES, _RECORD_IO)


def require_channels(request: CreateTrainingJob, default_mode: str, groups: Collection[str]) -> None:
    """Return if AWS would take the channels of ``request`` and Preflight can read them.

    ``groups`` are the names of its instance groups.

    Raises:
        ValidationException, UnsupportedByPreflight
    """
    sources = [(channel, _require_source(channel)) for channel in request.input_data_config]
    _require_names(request.input_data_config, default_mode)
    for channel, source in sources:
        _require_readable(channel, source, channel.input_mode or default_mode)
        for group in source.instance_group_names:
            if group not in groups:
                raise ValidationException(
                    guessed(
                        f"Channel {channel.channel_name} names the instance group {group}, which ResourceConfig does "
                        f"not have."
                    )
                )


def _require_source(channel: InputChannel) -> S3DataSource:
    source = channel.data_source.s3_data_source
    if source is None:
        raise ValidationException(guessed(f"Channel {channel.channel_name} needs a DataSource with an S3DataSource."))
    return source


def _require_names(channels: tuple[InputChannel, ...], default_mode: str) -> None:
    names = [channel.channel_name for channel in channels]
    if len(set(names)) < len(names):
        raise ValidationException(guessed("Channel names must be unique within a training job."))
    for channel in channels:
        name = channel.channel_name
        if name in (".", ".."):
            raise ValidationException(guessed(f"The channel name {name} is not allowed."))
        fifo = re.compile(re.escape(name) + r"_\d+")
        is_pipe = (channel.input_mode or default_mode) == "Pipe"
        if is_pipe and (clash := next(filter(fifo.fullmatch, names), None)):
            raise ValidationException(guessed(f"The channel name {clash} is that of a pipe of channel {name}."))


def _require_readable(channel: InputChannel, source: S3DataSource, mode: str) -> None:
    name, kind = channel.channel_name, source.s3_data_type
    if kind == "AugmentedManifestFile" and mode != "Pipe":
        raise ValidationException(
            guessed(f"AugmentedManifestFile can only be used if the input mode is Pipe (channel {name}).")
        )
    if kind not in ("S3Prefix", "ManifestFile"):
        raise _DATA_TYPES.error(f"{kind}, channel {name}")
    if source.attribute_names:
        raise ValidationException(
            guessed(f"AttributeNames can only be used with AugmentedManifestFile (channel {name}).")
        )
    if mode == "FastFile" and kind != "S3Prefix":
        raise ValidationException(guessed(f"FastFile mode supports S3DataType S3Prefix only (channel {name})."))
    is_wrapped = channel.record_wrapper_type == "RecordIO"
    if mode != "Pipe":
        is_gzipped = channel.compression_type == "Gzip"
        for member, is_set in (("CompressionType Gzip", is_gzipped), ("RecordWrapperType RecordIO", is_wrapped)):
            if is_set:
                raise ValidationException(guessed(f"{member} needs InputMode Pipe (channel {name})."))
    if is_wrapped:
        raise _RECORD_IO.error(f"channel {name}")


def require_data(services: Clients, scope: Scope, request: CreateTrainingJob) -> None:
    """Raises ValidationException, in AWS's words, for a channel in which the role finds no objects.

    So does a bucket of another region.
    """
    role_services = services.acting_as(request.role_arn, scope)
    for channel in request.input_data_config:
        source = _require_source(channel)
        bucket = s3.S3Uri.parse(source.s3_uri).bucket
        if s3.bucket_region(services, scope, bucket) == scope.region and _has_objects(role_services, scope, source):
            continue
        raise ValidationException(
            f'No S3 objects found under S3 URL "{source.s3_uri}" given in input data source. Please '
            f"ensure that the bucket exists in the selected region ({scope.region}), that objects exist under "
            f'that S3 prefix, and that the role "{request.role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{bucket}".'
        )


def _has_objects(services: Clients, scope: Scope, source: S3DataSource) -> bool:
    uri = s3.S3Uri.parse(source.s3_uri)
    if source.s3_data_type == "ManifestFile":
        return s3.has_object(services, scope, uri)
    return next(s3.objects(services, scope, uri), None) is not None
