"""The Docker engine: finding one that answers, where it puts our containers, and removing what a stack left in it."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound

from preflight.waiting import wait_until

STACK_LABEL = "preflight.stack"
OWNER_LABEL = "preflight.owner"

CONNECTIONS = 64  # kept for use again; each running container has one of its own beside them
CONNECT_TIMEOUT_SECONDS = 5
ANSWER_TIMEOUT_SECONDS = 60
REMOVAL_TIMEOUT_SECONDS = 15
REMOVAL_INTERVAL_SECONDS = 0.1

ENGINE_ERRORS = (DockerException, requests.RequestException)


class EngineError(Exception):
    """No engine answers, or it does not do what it is asked; the text says what it said."""


def is_gone(error: Exception) -> bool:
    """The engine has no such container or folder (404), or the container does not run, or is being removed (409)."""
    return isinstance(error, APIError) and error.status_code in (404, 409)


def close_stream(stream: Any) -> None:
    """Close a stream of the SDK's. Its own ways leave the response to the garbage collector, which complains."""
    with contextlib.suppress(OSError):
        stream._response.close()


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    client: docker.DockerClient

    @classmethod
    def connect(cls) -> "Engine":
        """The engine of DOCKER_HOST, else of the current Docker context.

        Raises:
            EngineError: none answers.
        """
        try:
            if os.environ.get("DOCKER_HOST"):
                client = docker.from_env(timeout=CONNECT_TIMEOUT_SECONDS, max_pool_size=CONNECTIONS)
            else:
                context = ContextAPI.get_current_context()
                client = docker.DockerClient(
                    base_url=context.Host if context else None,
                    tls=context.TLSConfig if context else None,
                    timeout=CONNECT_TIMEOUT_SECONDS,
                    max_pool_size=CONNECTIONS,
                )
            client.ping()
        except (*ENGINE_ERRORS, OSError, ValueError) as error:
            raise EngineError(f"no Docker engine answers: {error}") from error
        client.api.timeout = ANSWER_TIMEOUT_SECONDS
        return cls(client)

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the engine says of its machine."""
        info: dict[str, Any] = self.client.info()
        return info

    @cached_property
    def host(self) -> str:
        """The host that the engine publishes ports on, as seen from here."""
        url = urlsplit(self.client.api.base_url)
        local = url.scheme.startswith("http+") or url.hostname in (None, "localhost", "127.0.0.1", "::1")
        return "127.0.0.1" if local else str(url.hostname)

    @cached_property
    def own_container(self) -> dict[str, Any] | None:
        """The container of this very process as the engine describes it, or None if it runs in none of the engine's."""
        if not Path("/.dockerenv").exists():
            return None
        for container_id in _own_container_ids():
            with contextlib.suppress(NotFound):
                description: dict[str, Any] = self.client.api.inspect_container(container_id)
                return description
        return None

    @property
    def own_network(self) -> str | None:
        """A network of our own container that other containers can be put on; None if ports have to be published."""
        networks = self.own_container["NetworkSettings"]["Networks"] if self.own_container else {}
        usable = sorted(name for name in networks if name not in ("host", "none"))
        return usable[0] if usable else None

    def remove_all_of(self, stack_id: str) -> None:
        """Remove every container, network and volume of the stack; returns once they are gone.

        Raises:
            EngineError: some are still there.
        """
        left: list[Callable[[], object]] = []

        def is_clean() -> bool:
            left[:] = self._removals_of(stack_id)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(_try, left))
            return not left

        try:
            if not wait_until(is_clean, REMOVAL_TIMEOUT_SECONDS, REMOVAL_INTERVAL_SECONDS):
                raise EngineError(f"{len(left)} containers, networks and volumes of {stack_id} cannot be removed.")
        except ENGINE_ERRORS as error:
            raise EngineError(f"the Docker engine does not remove what {stack_id} left: {error}") from error

    def _removals_of(self, stack_id: str) -> Iterator[Callable[[], object]]:
        """What removes each, containers before what they use."""
        label = {"label": f"{STACK_LABEL}={stack_id}"}
        api = self.client.api
        containers = [entry["Id"] for entry in api.containers(all=True, filters=label)]
        if containers:
            yield from (lambda id=id: api.remove_container(id, v=True, force=True) for id in containers)
            return
        yield from (lambda id=entry["Id"]: api.remove_network(id) for entry in api.networks(filters=label))
        volumes = api.volumes(filters=label)["Volumes"] or []
        yield from (lambda name=entry["Name"]: api.remove_volume(name) for entry in volumes)


def _try(remove: Callable[[], object]) -> None:
    """A removal under way already is an error to the engine, not to us; what stays is tried again."""
    with contextlib.suppress(APIError):
        remove()


def _own_container_ids() -> Iterator[str]:
    """Ids that may be our own container's: of the files the engine mounts into it, and its host name."""
    with contextlib.suppress(OSError):
        yield from dict.fromkeys(re.findall(r"/containers/([0-9a-f]{64})/", Path("/proc/self/mountinfo").read_text()))
    with contextlib.suppress(OSError):
        yield Path("/etc/hostname").read_text().strip()
