"""EventBridge's workers, which LocalStack keeps beside its state and does not make anew: without, no rule delivers."""

from typing import Any

from localstack.services.events.api_destination import APIDestinationService
from localstack.services.events.archive import ArchiveService
from localstack.services.events.connection import ConnectionService
from localstack.services.events.event_bus import EventBusService
from localstack.services.events.models import events_stores
from localstack.services.events.rule import RuleService


def make_anew(provider: Any) -> None:
    """Let ``provider`` work on all that is in its store: deliver by rules, and run those that have a schedule."""
    for account, region, store in events_stores.iter_stores():
        for bus in store.event_buses.values():
            provider._event_bus_services_store[bus.arn] = EventBusService(bus)
            for rule in bus.rules.values():
                _make_rule_anew(provider, rule, account, region)
        for archive in store.archives.values():
            _make_archive_anew(provider, archive)
        for connection in store.connections.values():
            service = ConnectionService.restore_from_connection(connection)
            provider._connection_service_store[connection.arn] = service
        for destination in store.api_destinations.values():
            connection = provider._connection_service_store[destination.connection_arn].connection
            service = APIDestinationService.restore_from_api_destination_and_connection(destination, connection)
            provider._api_destination_service_store[destination.arn] = service


def _make_rule_anew(provider: Any, rule: Any, account: str, region: str) -> None:
    service = provider._rule_services_store[rule.arn] = RuleService(rule)
    for target in rule.targets.values():
        provider.create_target_sender(target, rule.arn, rule.name, region, account)
    if service.schedule_cron and rule.targets:
        service.create_schedule_job(provider._get_scheduled_rule_job_function(account, region, rule))


def _make_archive_anew(provider: Any, archive: Any) -> None:
    created = archive.creation_time
    provider._archive_service_store[archive.arn] = ArchiveService(archive)
    archive.creation_time = created
