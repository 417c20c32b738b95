"""Restoring: a service takes back what was kept of it when it is first needed; what works on it starts anew."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localstack.services.plugins import SERVICE_PLUGINS, Service, ServiceContainer
from localstack.services.s3.models import s3_stores
from localstack.utils.patch import Patch

from preflight.hosts.localstack import storage
from preflight.hosts.localstack.state import containers, event_rules, metric_alarms, pickling
from preflight.hosts.localstack.state.folder import StateFolder

LOG = logging.getLogger(__name__)

# What these hold works without being asked: alarms, schedules, pollers of queues.
_WORK_BY_THEMSELVES = ("cloudwatch", "events", "lambda")
# How that is made anew, where LocalStack does not, or does it dearly.
_MADE_ANEW: Mapping[str, Callable[[Any], None]] = {
    "cloudwatch": metric_alarms.make_anew,
    "events": event_rules.make_anew,
}


class Restorer:
    """Gives services back what ``folder`` has."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._restored: set[tuple[str, str]] = set()
        self.unrestored = set(folder.services())  # services that have not asked for theirs yet

    def restore_what_others_read(self) -> None:
        for name in containers.STORES_READ_BY_OTHERS:
            if name in self.unrestored:
                self._put_back(name, containers.read_by_others(name))
        if lost := storage.objects().take_up(s3_stores):
            gone = f"The bytes of {len(lost)} objects of S3 are gone, and the objects with them"
            self._folder.notes.append(f"{gone}: {', '.join(lost[:3])}")

    def forget(self) -> None:
        """There is nothing to restore any more."""
        self.unrestored.clear()
        for name in containers.STORES_READ_BY_OTHERS:
            for store in containers.read_by_others(name).values():
                store.reset()

    def patches(self) -> Iterator[Patch]:
        """Restore a service as a part of its start."""
        start = ServiceContainer.start

        def start_with_what_was_kept(container: ServiceContainer) -> bool:
            is_up: bool = start(container)
            if is_up:
                self._restore(container.service)
            return is_up

        yield Patch(ServiceContainer, "start", start_with_what_was_kept)

    def start_what_works_by_itself(self) -> None:
        """Start the services of which something is kept that nobody may ever ask for; others wait to be asked."""
        for name in sorted(self.unrestored.intersection(_WORK_BY_THEMSELVES)):
            try:
                SERVICE_PLUGINS.require(name)
            except Exception as error:
                LOG.warning("%s does not start: %s", name, error)

    def _restore(self, service: Service) -> None:
        name = service.name()
        if name not in self.unrestored:
            return
        self.unrestored.discard(name)
        try:
            if name in _MADE_ANEW:
                self._put_back(name, containers.containers_of(service))
                _MADE_ANEW[name](service._provider)
            else:
                service.lifecycle_hook.on_before_state_load()
                self._put_back(name, containers.containers_of(service))
                service.lifecycle_hook.on_after_state_load()
        except Exception as error:  # what another service lost may be missing here
            LOG.exception("What %s holds does not work again.", name)
            self._folder.notes.append(f"Some of what {name} holds does not work again: {error!r}")

    def _put_back(self, name: str, found: Mapping[str, containers.Container]) -> None:
        """All or nothing, as far as it can be told before."""
        try:
            contents = {
                key: pickling.loads(pickled)
                for key in found
                if (name, key) not in self._restored and (pickled := self._folder.read(name, key)) is not None
            }
            for key, content in contents.items():
                containers.put_back(found[key], content)
                self._restored.add((name, key))
        except Exception as error:
            LOG.exception("The state of %s cannot be restored.", name)
            self._folder.leave(name, f"cannot be restored by this LocalStack: {error!r}")
