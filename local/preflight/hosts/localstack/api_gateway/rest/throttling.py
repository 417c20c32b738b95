"""API keys and what they may: usage plans, rate and burst, quotas.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

import threading
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.hosts.localstack.api_gateway.rest.failures import invalid_api_key, quota_exceeded, throttled
from preflight.hosts.localstack.api_gateway.rest.request import Call


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests a second, and how many may come at once."""

    rate: float
    burst: int

    @classmethod
    def read(cls, rate: object, burst: object) -> "Limit | None":
        """None where nothing is limited: no value, or AWS's -1."""
        if rate is None and burst is None:
            return None
        limit = cls(float(str(rate or 0)), int(float(str(burst or 0))))
        return None if limit.rate < 0 or limit.burst < 0 else limit


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    value: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """A plan that covers the stage of the request, with its keys."""

    id: str
    keys: tuple[ApiKey, ...]
    throttle: Limit | None = None
    method_throttles: Mapping[str, Limit] = field(default_factory=dict)  # by "path/VERB"
    quota: int | None = None
    period: str = "MONTH"
    offset: int = 0

    def key_of(self, value: str) -> ApiKey | None:
        return next((key for key in self.keys if key.value == value and key.is_enabled), None)


class Throttle:
    """Counts the requests of all APIs."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, _Bucket] = {}
        self._used: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def admit(self, call: Call, plans: Iterable[UsagePlan], settings: Mapping[str, Any]) -> None:
        """Check the key if the method wants one, and count. Raises Failure: 403, 429."""
        method = f"{call.resource.path}/{call.method.verb}"
        stage_limit = Limit.read(settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit"))
        limits: list[tuple[Hashable, Limit | None]] = []
        plan = key = None
        if call.method.key_required:
            plan, key = _plan_and_key(call, plans)
            limits = [
                ((plan.id, key.id, call.stage.name, method), plan.method_throttles.get(method)),
                ((plan.id, key.id), plan.throttle),
            ]
        limits.append(((call.api.id, call.stage.name, method), stage_limit))
        with self._lock:
            for name, limit in limits:
                if limit is not None and not self._bucket(name, limit).take():
                    raise throttled()
            if plan is not None and key is not None and plan.quota is not None:
                self._count(plan, key, plan.quota)

    def _bucket(self, name: Hashable, limit: Limit) -> "_Bucket":
        bucket = self._buckets.get(name)
        if bucket is None or bucket.limit != limit:
            bucket = self._buckets[name] = _Bucket(limit)
        return bucket

    def _count(self, plan: UsagePlan, key: ApiKey, quota: int) -> None:
        period = _period(plan.period, datetime.now(UTC))
        name = (plan.id, key.id, period)
        first = not any(known[:2] == name[:2] for known in self._used if isinstance(known, tuple))
        used = self._used.setdefault(name, plan.offset if first else 0)
        if used >= quota:
            raise quota_exceeded()
        self._used[name] = used + 1


class _Bucket:
    """A token bucket, full at first."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._filled = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._filled) * self.limit.rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _plan_and_key(call: Call, plans: Iterable[UsagePlan]) -> tuple[UsagePlan, ApiKey]:
    """Raises Failure: 403 without a key, with one of no plan of this stage, or with one that is off."""
    if call.api.key_source == "AUTHORIZER":
        value = call.context["identity"].get("apiKey") or ""
    else:
        value = call.request.header("x-api-key")
    for plan in plans if value else ():
        if key := plan.key_of(value):
            call.context["identity"] |= {"apiKey": key.value, "apiKeyId": key.id}
            return plan, key
    raise invalid_api_key()


def _period(kind: str, moment: datetime) -> str:
    """Its first day, in UTC."""
    if kind == "WEEK":
        moment -= timedelta(days=(moment.weekday() + 1) % 7)
    return f"{moment:%Y-%m}" if kind == "MONTH" else f"{moment:%Y-%m-%d}"
