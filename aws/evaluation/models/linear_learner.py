"""Linear Learner's ``model_algo-1``: a ZIP of stored members, one of them MXNet's arrays of float32, little endian."""

import array
import io
import struct
import sys
import zipfile

FILE_NAME = "model_algo-1"
_PARAMS = "mx-mod-0000.params"
_WEIGHTS = "arg:fc0_weight"
_LIST_MAGIC, _ARRAY_MAGIC = 0x112, 0xF993FAC9
_FLOAT32 = 0


def weights(content: bytes) -> list[list[float]]:
    """For each feature its weight in each output: one, or one a class. Raises ValueError if that is not in there."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo(_PARAMS)
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{_PARAMS} is compressed")
        shape, values = _arrays(io.BytesIO(archive.read(member)))[_WEIGHTS]
    if len(shape) != 2:
        raise ValueError(f"{_WEIGHTS} has {len(shape)} dimensions")
    features, outputs = shape
    return [values[place * outputs : (place + 1) * outputs] for place in range(features)]


def _arrays(file: io.BytesIO) -> dict[str, tuple[tuple[int, ...], list[float]]]:
    magic, _, count = _take(file, "<QQQ")
    if magic != _LIST_MAGIC or count > len(file.getbuffer()):
        raise ValueError(f"{_PARAMS} holds no arrays of MXNet")
    found = [_array(file) for _ in range(count)]
    (names,) = _take(file, "<Q")
    if names != count:
        raise ValueError(f"{_PARAMS} does not name its arrays")
    return {_exactly(file, _take(file, "<Q")[0]).decode(): array for array in found}


def _array(file: io.BytesIO) -> tuple[tuple[int, ...], list[float]]:
    magic, _, dimensions = _take(file, "<IiI")
    if magic != _ARRAY_MAGIC or dimensions > 4:
        raise ValueError(f"{_PARAMS} holds an array of an unknown form")
    shape = _take(file, f"<{dimensions}q")
    _, _, number = _take(file, "<iii")
    if number != _FLOAT32 or min(shape, default=0) < 1:
        raise ValueError(f"{_PARAMS} holds an array that is not of float32")
    size = 1
    for length in shape:
        size *= length
    values = array.array("f", _exactly(file, 4 * size))
    if sys.byteorder == "big":
        values.byteswap()
    return shape, values.tolist()


def _take(file: io.BytesIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, _exactly(file, struct.calcsize(form)))


def _exactly(file: io.BytesIO, size: int) -> bytes:
    if size > len(file.getbuffer()):
        raise ValueError(f"{_PARAMS} ends too early")
    piece = file.read(size)
    if len(piece) != size:
        raise ValueError(f"{_PARAMS} ends too early")
    return piece
