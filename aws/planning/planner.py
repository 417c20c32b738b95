"""The same steps run twice: first against a planner, which only reads, then against the one that follows its plan.

A step reads, decides, and changes what differs. The planner lets it read the world as it is, and answers a change with
symbols; what would be read of a thing that is yet to be made is not there. The follower makes the plan's calls and none
else: should the world have changed in between, it stops before a call that nobody has seen.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from aws.client import Act, Aws
from aws.planning.plan import Call, Plan, PlanChanged
from aws.planning.symbols import has_symbol, learned, resolved, symbolic_answer
from aws.target import Target


class Planner(Aws):
    """Writes changes down and makes none."""

    def find(self, service: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """What is there now; ``None`` for what is yet to be made, or planned to be deleted."""
        if self._will_be_missing(service, parameters):
            return None
        return super().find(service, operation, **parameters)

    def list(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """What is there now; nothing of what is yet to be made, or planned to be deleted."""
        if not self._will_be_missing(service, parameters):
            yield from super().list(service, operation, key, **parameters)

    def perform(self, call: Call, act: Act) -> dict[str, Any]:
        """Write the call down; the answer is symbols."""
        self.calls.append(call)
        return symbolic_answer(self.target.operation_model(call.service, call.operation))

    def wait(
        self, service: str, operation: str, is_done: Callable[[dict[str, Any]], bool], **parameters: Any
    ) -> dict[str, Any]:
        """Do not wait, and count on a good end: the answer of now, or symbols if there is nothing yet."""
        for option in ("what", "timeout_seconds", "poll_seconds"):
            parameters.pop(option, None)
        found = self.find(service, operation, **parameters)
        return found or symbolic_answer(self.target.operation_model(service, operation))

    def _will_be_missing(self, service: str, parameters: dict[str, Any]) -> bool:
        return has_symbol(parameters) or any(
            call.service == service
            and call.operation.startswith("Delete")
            and call.parameters.items() <= parameters.items()
            for call in self.calls
        )


class PlanFollower(Aws):
    """Makes the calls of a plan, in its order, and no others. What is not needed any more is left out."""

    def __init__(self, target: Target, plan: Plan) -> None:
        super().__init__(target)
        self._left = deque(plan.calls)
        self._left_out: list[Call] = []
        self._known: dict[str, str] = {}

    @property
    def not_needed(self) -> list[Call]:
        """The plan's calls that have not been made; after the last step: what somebody else has done meanwhile."""
        return [*self._left_out, *self._left]

    def perform(self, call: Call, act: Act) -> dict[str, Any]:
        """Make the call if the plan has it next. Raises ``PlanChanged`` if it has not."""
        place = self._place_of(call)
        answer = super().perform(call, act)
        for _ in range(place):
            self._left_out.append(self._left.popleft())
        self._left.popleft()
        self._learn(call.service, call.operation, answer)
        return answer

    def wait(
        self, service: str, operation: str, is_done: Callable[[dict[str, Any]], bool], **parameters: Any
    ) -> dict[str, Any]:
        """As ever; what the answer tells is known from then on."""
        answer = super().wait(service, operation, is_done, **parameters)
        self._learn(service, operation, answer)
        return answer

    def _place_of(self, call: Call) -> int:
        for place, planned in enumerate(self._left):
            if str(planned) == str(call) and resolved(planned.parameters, self._known) == call.parameters:
                return place
        following = f"says {self._left[0]}" if self._left else "has nothing more"
        raise PlanChanged(
            f"{call} is needed now, and the plan {following}: something has changed meanwhile. "
            "The call was not made; run the same command again for a new plan."
        )

    def _learn(self, service: str, operation: str, answer: dict[str, Any]) -> None:
        self._known |= learned(symbolic_answer(self.target.operation_model(service, operation)), answer)
