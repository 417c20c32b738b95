"""Symbols: names for values that only a call will tell, ``<RestApiId>`` for the ``id`` that CreateRestApi answers.

None of AWS's ids, names and ARNs holds a ``<``, so a symbol is recognized wherever it stands in a parameter.
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, Shape

SYMBOL = re.compile(r"<[A-Z]\w*>")
DEEPEST = 3  # answers nest, some within themselves; nothing of use to a deployment lies deeper


def symbolic_answer(operation: OperationModel | None) -> dict[str, Any]:
    """An answer in the operation's own shape with a symbol for each text that it holds; lists are left out."""
    if operation is None or operation.output_shape is None:
        return {}
    noun = re.sub(r"^[A-Z][a-z]+", "", operation.name)  # CreateRestApi, DescribeTrainingJob: what it is about
    answer = _symbolic(operation.output_shape, noun, "", DEEPEST)
    return answer if isinstance(answer, dict) else {}


def _symbolic(shape: Shape, noun: str, key: str, depth: int) -> Any:
    if shape.type_name == "string":
        return f"<{noun}{key[:1].upper()}{key[1:]}>"
    if shape.type_name != "structure" or not depth:
        return None
    members = {name: _symbolic(member, noun, name, depth - 1) for name, member in shape.members.items()}
    return {name: value for name, value in members.items() if value is not None}


def has_symbol(value: Any) -> bool:
    """Whether a symbol stands anywhere in a parameter: what it names is yet to be made."""
    match value:
        case str():
            return SYMBOL.search(value) is not None
        case Mapping():
            return any(map(has_symbol, value.values()))
        case list():
            return any(map(has_symbol, value))
    return False


def learned(symbolic: Any, answer: Any) -> dict[str, str]:
    """What the symbols of a symbolic answer stand for, now that the answer is here."""
    match symbolic, answer:
        case str(), str():
            return {symbolic: answer}
        case Mapping(), Mapping():
            found: dict[str, str] = {}
            for key in symbolic.keys() & answer.keys():
                found |= learned(symbolic[key], answer[key])
            return found
    return {}


def resolved(value: Any, known: Mapping[str, str]) -> Any:
    """A planned parameter with what is known in place of its symbols."""
    match value:
        case str():
            return SYMBOL.sub(lambda symbol: known.get(symbol[0], symbol[0]), value)
        case Mapping():
            return {key: resolved(item, known) for key, item in value.items()}
        case list():
            return [resolved(item, known) for item in value]
    return value
