"""Shape: a structure of AWS's API as a frozen, typed object.

A request is checked against botocore's model, then parsed once into the Shape of its operation; further in, nobody
spells AWS's names of members. A Shape has the members that Preflight knows: it acts on them, or, where ``described``
says so, shows them as AWS does because there is nothing here to act on (networks, keys, spot capacity). Any other
member is refused by name: see ``operation.py``.
"""

from collections.abc import Iterator
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

Structure = dict[str, Any]  # known whole: with every member that AWS gives it
Tree = dict[str, Any]

_DESCRIBED: JsonDict = {"described": True}


class Shape(BaseModel):
    """Its fields are AWS's members in snake case: ``s3_output_path`` is S3OutputPath."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, populate_by_name=True, extra="ignore")

    def as_asked(self) -> dict[str, Any]:
        """The members that were given, under AWS's names."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def updated(self, changes: Self) -> Self:
        """With the members that ``changes`` has in the place of its own."""
        return type(self).model_validate({**self.as_asked(), **changes.as_asked()})


def described(default: Any = None, *, alias: str | None = None) -> Any:
    """A member that is shown as it was asked for, and acted on nowhere; ``alias`` where its name is not regular."""
    return Field(default, alias=alias, json_schema_extra=_DESCRIBED)


def known_members(shape: type[Shape]) -> Tree:
    """The members of ``shape`` by AWS's names, each with those below it; an empty tree has everything known below."""
    tree: Tree = {}
    for name, field in shape.model_fields.items():
        below = _shape_in(field.annotation)
        tree[_alias(name, field)] = known_members(below) if below else {}
    return tree


def described_members(shape: type[Shape], path: str = "") -> Iterator[str]:
    """Paths of the members that are described only; ``[]`` stands for each item of a list."""
    for name, field in shape.model_fields.items():
        here = path + _alias(name, field)
        below = _shape_in(field.annotation)
        if field.json_schema_extra == _DESCRIBED:
            yield here
        elif below:
            yield from described_members(below, f"{here}{'[]' if _is_list(field.annotation) else ''}.")


def _alias(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _shape_in(annotation: Any) -> type[Shape] | None:
    """The Shape that ``annotation`` is, or is a list or an option of."""
    return next((part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, Shape)), None)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is tuple for part in _parts(annotation))
