"""The operations on scheduled actions."""

import uuid

from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.scaling.autoscaler import Autoscaler
from preflight.sagemaker.scaling.errors import ObjectNotFoundException
from preflight.sagemaker.scaling.paging import page
from preflight.sagemaker.scaling.record import ScheduledActionRecord, TargetRecord, describe_scheduled_action
from preflight.sagemaker.scaling.request import (
    DeleteScheduledAction,
    DescribeScheduledActions,
    PutScheduledAction,
)
from preflight.sagemaker.scaling.rules import (
    elsewhere,
    require_here,
    require_schedule,
    require_variant,
)
from preflight.sagemaker.scaling.targets import named


class ScheduledActions:
    def __init__(self, context: ServiceContext, autoscaler: Autoscaler) -> None:
        self._lock, self._targets = context.resources.lock, autoscaler.targets

    @operation(PutScheduledAction, refuses=elsewhere("PutScheduledAction"))
    def put(self, scope: Scope, request: PutScheduledAction) -> Answer:
        """Enter an action, or change the members that are given of the one of its name."""
        require_variant(request)
        with self._lock:
            target = self._targets.require(scope, request)
            before = target.scheduled_actions.get(request.scheduled_action_name)
            whole = before.request.updated(request) if before else request
            require_schedule(whole)
            target.scheduled_actions[request.scheduled_action_name] = ScheduledActionRecord(
                request=whole, arn=before.arn if before else _arn(target, request)
            )
        return {}

    @operation(DeleteScheduledAction, refuses=elsewhere("DeleteScheduledAction"))
    def delete(self, scope: Scope, request: DeleteScheduledAction) -> Answer:
        require_variant(request)
        with self._lock:
            target = self._targets.find(scope, request)
            if target is None or target.scheduled_actions.pop(request.scheduled_action_name, None) is None:
                raise ObjectNotFoundException(
                    f"No scheduled action found for {named(request)}, "
                    f"scheduled action name: {request.scheduled_action_name}"
                )
        return {}

    @operation(DescribeScheduledActions, refuses=elsewhere("DescribeScheduledActions"))
    def describe(self, scope: Scope, request: DescribeScheduledActions) -> Answer:
        require_here("DescribeScheduledActions", request.service_namespace, request.scalable_dimension)
        with self._lock:
            found = [
                describe_scheduled_action(target, action)
                for target in self._targets.of(scope)
                if request.is_about(target.name, target.dimension)
                for name, action in target.scheduled_actions.items()
                if not request.scheduled_action_names or name in request.scheduled_action_names
            ]
        return page("ScheduledActions", "ScheduledActionARN", found, request)


def _arn(target: TargetRecord, request: PutScheduledAction) -> str:
    scope, name = target.scope, request.scheduled_action_name
    where = f"arn:{scope.partition}:autoscaling:{scope.region}:{scope.account_id}:scheduledAction:{uuid.uuid4()}"
    return f"{where}:resource/sagemaker/{target.name}:scheduledActionName/{name}"
