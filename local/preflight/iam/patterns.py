"""Patterns of policies: ``*``, ``?`` and variables such as ``${aws:username}``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# The values of a condition key, given in lower case; none if the request does not have the key.
Context = Callable[[str], Sequence[str]]

_TOKEN = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<wildcard>[*?])|(?P<text>[^*?$]+|\$)")
_VARIABLE = re.compile(r"\s*(?P<key>[^,\s]+)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_COLONS_OF_ARN = 5  # what comes after them may hold colons of its own


@dataclass(frozen=True, slots=True)
class _Variable:
    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """Its one value, else its default; a key with many values cannot be used as a variable."""
        values = context(self.key)
        return values[0] if len(values) == 1 else self.default


@dataclass(frozen=True, slots=True)
class Pattern:
    """A value as a policy writes it: regular expressions and variables in turn, or one ``expression`` for all."""

    parts: tuple[str | _Variable, ...]
    flags: re.RegexFlag
    expression: re.Pattern[str] | None

    def matches(self, value: str, context: Context) -> bool:
        """Whether it is ``value``, all of it. Never if a variable has no value."""
        if self.expression is not None:
            return self.expression.fullmatch(value) is not None
        expressions = []
        for part in self.parts:
            found = part.value(context) if isinstance(part, _Variable) else part
            if found is None:
                return False
            expressions.append(re.escape(found) if isinstance(part, _Variable) else found)
        return re.fullmatch("".join(expressions), value, self.flags) is not None


def pattern(
    text: str, *, has_variables: bool, wildcards: bool = True, is_arn: bool = False, ignores_case: bool = False
) -> Pattern:
    """``text`` with its ``wildcards``; in an ARN one before the fifth colon does not reach across a colon."""
    parts = tuple(_merged(_parts(text, has_variables, wildcards, is_arn)))
    flags = re.DOTALL | re.IGNORECASE if ignores_case else re.DOTALL
    texts = [part for part in parts if isinstance(part, str)]
    return Pattern(parts, flags, re.compile("".join(texts), flags) if len(texts) == len(parts) else None)


def action_pattern(actions: Sequence[str]) -> re.Pattern[str]:
    """One expression for all of ``actions``, whose case does not matter and which have no variables."""
    alternatives = ("".join(str(part) for part in pattern(action, has_variables=False).parts) for action in actions)
    return re.compile("|".join(f"(?:{each})" for each in alternatives), re.IGNORECASE)


def _parts(text: str, has_variables: bool, wildcards: bool, is_arn: bool) -> Iterator[str | _Variable]:
    colons = 0
    for token in _TOKEN.finditer(text):
        name, wildcard = token["variable"], token["wildcard"]
        if name is not None and has_variables:
            yield re.escape(name) if name in ("*", "?", "$") else _variable(name)
        elif wildcard and wildcards:
            one = "[^:]" if is_arn and colons < _COLONS_OF_ARN else "."
            yield one if wildcard == "?" else f"{one}*"
        else:
            colons += token[0].count(":")
            yield re.escape(token[0])


def _variable(text: str) -> _Variable:
    found = _VARIABLE.fullmatch(text)
    return _Variable(found["key"].lower(), found["default"]) if found else _Variable(text.lower(), None)


def _merged(parts: Iterator[str | _Variable]) -> Iterator[str | _Variable]:
    """The same with texts side by side made one."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text
