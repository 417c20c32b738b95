"""The hosts of the job: `algo-1` and the others."""

from dataclasses import dataclass

from preflight_container.paths import Paths


@dataclass(frozen=True)
class Hosts:
    """All of them by name; `current` is this one."""

    current: str
    names: list[str]

    @classmethod
    def read(cls, paths: Paths) -> "Hosts":
        """From resourceconfig.json; without one it is alone."""
        if not paths.resource_config.exists():
            return cls("algo-1", ["algo-1"])
        config = paths.read_object(paths.resource_config)
        current = str(config.get("current_host", "algo-1"))
        return cls(current, list(config.get("hosts", [current])))
