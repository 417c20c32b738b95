"""Private networks: the containers of one job reach each other by name, and nobody else reaches them."""

import threading
from collections import defaultdict
from collections.abc import Mapping

from docker import DockerClient


class JobNetworks:
    """One network for each job that asks for one; it goes with the last of its containers."""

    def __init__(self, client: DockerClient, prefix: str, labels: Mapping[str, str]) -> None:
        self._client = client
        self._prefix = prefix
        self._labels = dict(labels)
        self._lock = threading.Lock()
        self._networks: dict[tuple[str, str], str] = {}
        self._members: dict[tuple[str, str], int] = defaultdict(int)

    def join(self, owner_arn: str, name: str) -> str:
        """The id of the owner's network of that name, made if this is its first container."""
        key = owner_arn, name
        with self._lock:
            if key not in self._networks:
                network = self._client.networks.create(f"{self._prefix}-{name}", driver="bridge", labels=self._labels)
                self._networks[key] = network.id
            self._members[key] += 1
            return self._networks[key]

    def leave(self, owner_arn: str, name: str) -> None:
        """Call once for each ``join``, when the container is removed."""
        key = owner_arn, name
        with self._lock:
            self._members[key] -= 1
            if self._members[key] == 0:
                del self._members[key]
                self._client.api.remove_network(self._networks.pop(key))
