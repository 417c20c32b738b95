"""Many numbers written as Python's ``repr`` writes them, several times as fast."""

import numpy as np
import orjson
from numpy.typing import NDArray

_LEAST, _MOST = 1e-4, 1e16  # between them no text has an exponent, which others write in another way


def number_texts(values: NDArray[np.float32]) -> list[str]:
    """Of an array of shape (n,), each number as a double."""
    doubles = values.astype(np.float64)
    if not len(doubles):
        return []
    texts = orjson.dumps(doubles, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode().split(",")
    sizes = np.abs(doubles)
    plain = ((sizes >= _LEAST) & (sizes < _MOST)) | (sizes == 0)
    for place in np.flatnonzero(~plain).tolist():
        texts[place] = repr(float(doubles[place]))
    return texts
