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
        self._networks: dict[str, str] = {}
        self._members: dict[str, int] = defaultdict(int)

    def join(self, name: str) -> str:
        """The id of the network of that name, made if this is its first container."""
        with self._lock:
            if name not in self._networks:
                network = self._client.networks.create(f"{self._prefix}-{name}", driver="bridge", labels=self._labels)
                self._networks[name] = network.id
            self._members[name] += 1
            return self._networks[name]

    def leave(self, name: str) -> None:
        """Call once for each ``join``, when the container is removed."""
        with self._lock:
            self._members[name] -= 1
            if self._members[name] == 0:
                self._client.api.remove_network(self._networks.pop(name))
