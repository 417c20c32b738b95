"""JSONPath as API Gateway reads it: a path to one place gives its value, any other path gives a list."""

import re
from functools import lru_cache
from typing import Any

from jsonpath_ng.ext import parse

_PLAIN = re.compile(r"\$(?:\.[A-Za-z_][\w-]*)*")
_INDEFINITE = re.compile(r"\.\.|\*|\?|\[[^\]'\"]*[:,]")


def find(document: Any, path: str) -> Any:
    """What ``path`` leads to; None if that is nothing. A path that is none leads nowhere."""
    if _PLAIN.fullmatch(path):
        for name in path.split(".")[1:]:
            if not isinstance(document, dict) or name not in document:
                return None
            document = document[name]
        return document
    expression = _parse(path)
    if expression is None:
        return None
    found = [match.value for match in expression.find(document)]
    if _INDEFINITE.search(path):
        return found
    return found[0] if found else None


@lru_cache(maxsize=512)
def _parse(path: str) -> Any:
    try:
        return parse(path)
    except Exception:  # the library's parser raises what its generator does: no class of its own
        return None
