"""From a path and a verb to a method.

A static part beats ``{name}``, which beats ``{name+}``; the verb itself beats ANY. Slashes at the end do not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from preflight.hosts.localstack.api_gateway.rest.definition import Method, Resource


@dataclass(frozen=True, slots=True)
class Route:
    """A resource's method, and the values of the path's parameters as they came: not decoded."""

    resource: Resource
    method: Method
    path_parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    named: "tuple[str, _Node] | None" = None
    greedy: "tuple[str, _Node] | None" = None
    resource: Resource | None = None


class Routes:
    """The resources of one deployment."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._root = _Node()
        for resource in resources:
            self._add(resource)

    def find(self, verb: str, path: str) -> Route | None:
        """The method that answers ``verb`` on ``path``; None if there is none."""
        path = path.strip("/")
        for resource, parameters in _walk(self._root, path.split("/") if path else []):
            method = resource.methods.get(verb) or resource.methods.get("ANY")
            if method is not None:
                return Route(resource, method, parameters)
        return None

    def _add(self, resource: Resource) -> None:
        node = self._root
        for part in filter(None, resource.path.split("/")):
            if part.startswith("{") and part.endswith("+}"):
                node.greedy = node.greedy or (part[1:-2], _Node())
                node = node.greedy[1]
            elif part.startswith("{") and part.endswith("}"):
                node.named = node.named or (part[1:-1], _Node())
                node = node.named[1]
            else:
                node = node.static.setdefault(part, _Node())
        node.resource = resource


def _walk(node: _Node, parts: list[str]) -> Iterator[tuple[Resource, dict[str, str]]]:
    """Every resource that takes the path, the one that says most of it first."""
    if not parts:
        if node.resource is not None:
            yield node.resource, {}
        return
    first, *rest = parts
    child = node.static.get(first) or node.static.get(unquote(first))
    if child is not None:
        yield from _walk(child, rest)
    if node.named is not None and first:
        name, child = node.named
        for resource, parameters in _walk(child, rest):
            yield resource, {name: first} | parameters
    if node.greedy is not None:
        name, child = node.greedy
        if child.resource is not None:
            yield child.resource, {name: "/".join(parts)}
