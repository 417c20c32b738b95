"""The protobuf message `aialgs.data.Record` of SageMaker's built-in algorithms, declared without protoc.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "aialgs.data"


def _tensor(name: str, value_type: int) -> Any:
    message = descriptor_pb2.DescriptorProto(name=name)
    for number, (field, kind) in enumerate(
        [("values", value_type), ("keys", _Field.TYPE_UINT64), ("shape", _Field.TYPE_UINT64)], start=1
    ):
        added = message.field.add(name=field, number=number, type=kind, label=_Field.LABEL_REPEATED)
        added.options.packed = True
    return message


def _bytes() -> Any:
    message = descriptor_pb2.DescriptorProto(name="Bytes")
    message.field.add(name="value", number=1, type=_Field.TYPE_BYTES, label=_Field.LABEL_REPEATED)
    message.field.add(name="content_type", number=2, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    return message


def _value() -> Any:
    message = descriptor_pb2.DescriptorProto(name="Value")
    message.oneof_decl.add(name="value")
    kinds = [
        ("float32_tensor", 2, "Float32Tensor"),
        ("float64_tensor", 3, "Float64Tensor"),
        ("int32_tensor", 7, "Int32Tensor"),
        ("bytes", 9, "Bytes"),
    ]
    for name, number, kind in kinds:
        message.field.add(
            name=name,
            number=number,
            type=_Field.TYPE_MESSAGE,
            label=_Field.LABEL_OPTIONAL,
            type_name=f".{_PACKAGE}.{kind}",
            oneof_index=0,
        )
    return message


def _record() -> Any:
    message = descriptor_pb2.DescriptorProto(name="Record")
    for number, (name, entry) in enumerate([("features", "FeaturesEntry"), ("label", "LabelEntry")], start=1):
        nested = message.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
        nested.field.add(
            name="value",
            number=2,
            type=_Field.TYPE_MESSAGE,
            label=_Field.LABEL_OPTIONAL,
            type_name=f".{_PACKAGE}.Value",
        )
        message.field.add(
            name=name,
            number=number,
            type=_Field.TYPE_MESSAGE,
            label=_Field.LABEL_REPEATED,
            type_name=f".{_PACKAGE}.Record.{entry}",
        )
    for number, name in enumerate(["uid", "metadata", "configuration"], start=3):
        message.field.add(name=name, number=number, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    return message


def _record_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="preflight/aialgs_data.proto", package=_PACKAGE, syntax="proto2")
    file.message_type.extend(
        [
            _tensor("Float32Tensor", _Field.TYPE_FLOAT),
            _tensor("Float64Tensor", _Field.TYPE_DOUBLE),
            _tensor("Int32Tensor", _Field.TYPE_INT32),
            _bytes(),
            _value(),
            _record(),
        ]
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Record"))


Record = _record_class()
