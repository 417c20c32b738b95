"""Operation: one operation of SageMaker, declared once, where it is carried out.

    @operation(CreateModel, refuses=(ISOLATION,))
    def create(self, scope: Scope, request: CreateModel) -> Answer: ...

The Shape is named after the operation. Its fields are the members that are acted on or described; all others are
refused by name, also those that only a newer botocore knows. What is refused of a known member (one value of it, one
combination) is a RefusedCase. `preflight coverage` is made from these declarations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from preflight.sagemaker.api.errors import UnsupportedByPreflight
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.shape import Shape, Tree, described_members, known_members

Answer = dict[str, Any]  # in the shape of botocore's model of the operation's output


@dataclass(frozen=True)
class RefusedCase:
    """One value or combination of known members that AWS allows and Preflight refuses."""

    operation: str
    case: str

    def error(self, where: str = "") -> UnsupportedByPreflight:
        return UnsupportedByPreflight(f"{self.operation} with {self.case}{f' ({where})' if where else ''}")


@dataclass(frozen=True)
class Operation:
    """``request`` has its name and its members."""

    request: type[Shape]
    refuses: tuple[RefusedCase, ...] = ()

    @property
    def name(self) -> str:
        return self.request.__name__

    @cached_property
    def known(self) -> Tree:
        """The members of its request that Preflight knows."""
        return known_members(self.request)

    @cached_property
    def described(self) -> list[str]:
        """Paths of those that are described only."""
        return list(described_members(self.request))

    def require_supported(self, request: Mapping[str, Any]) -> None:
        """Raises UnsupportedByPreflight, naming the first member of ``request`` that would be passed over."""
        unknown = next(_unknown(request, self.known, ""), None)
        if unknown:
            raise UnsupportedByPreflight(f"{self.name} with {unknown}")


def operation[Family, Request: Shape](
    request: type[Request], *, refuses: Iterable[RefusedCase] = ()
) -> Callable[[Callable[[Family, Scope, Request], Answer]], Callable[[Family, Scope, Request], Answer]]:
    """Declare that a method carries out the operation that ``request`` is named after."""

    def declare(run: Callable[[Family, Scope, Request], Answer]) -> Callable[[Family, Scope, Request], Answer]:
        vars(run)["operation"] = Operation(request, tuple(refuses))
        return run

    return declare


def operations_of(family: type) -> Iterator[tuple[Operation, Callable[[Any, Scope, Any], Answer]]]:
    """What the methods of ``family`` are declared to carry out, each with the method."""
    for member in vars(family).values():
        declared = getattr(member, "operation", None)
        if isinstance(declared, Operation):
            yield declared, member


def _unknown(value: Mapping[str, Any], known: Tree, path: str) -> Iterator[str]:
    for name, item in value.items():
        if name not in known:
            yield from _set_members(item, f"{path}{name}")
        elif known[name]:
            for mapping in _mappings(item):
                yield from _unknown(mapping, known[name], f"{path}{name}{'[]' if isinstance(item, list) else ''}.")


def _set_members(value: Any, path: str) -> Iterator[str]:
    """What of ``value`` asks for something: false is what a switch is without being named."""
    if isinstance(value, list):
        for item in value:
            yield from _set_members(item, f"{path}[]")
    elif isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _set_members(item, f"{path}.{name}")
    elif value not in (None, False):
        yield path


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Mapping)]
