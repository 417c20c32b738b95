"""What is read: a stack, one of its regions at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from preflight.state_file.requests import Clients, Request


@dataclass
class Source:
    """``keep`` puts bytes into the file and returns what stands for them. ``left_out`` is told to who exports."""

    clients: Clients
    region: str
    keep: Callable[[Iterable[bytes]], dict[str, str]]
    left_out: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.clients(service, self.region)

    def request(self, service: str, operation: str, gives: dict[str, str] | None = None, **parameters: Any) -> Request:
        """Without parameters that are None or empty."""
        given = {name: _known(value) for name, value in parameters.items() if value not in (None, "", [], {})}
        return Request(service, self.region, operation, given, gives or {})


def _known(value: Any) -> Any:
    """Without the members of maps that are described as nothing."""
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items() if item is not None}
    return [_known(item) for item in value] if isinstance(value, list) else value


def only(described: dict[str, Any], *names: str) -> dict[str, Any]:
    """What is described under ``names``, to be asked for again."""
    return {name: described[name] for name in names if name in described}
