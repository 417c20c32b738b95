"""The parameters of a job in force: those of the request, else those of the container, else AWS's.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import json
import math
import time
from dataclasses import dataclass

from preflight.sagemaker.serving.instance import ContainerFailure, Instance
from preflight.sagemaker.transform.batching import MIB
from preflight.sagemaker.transform.request import CreateTransformJob

STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
ANSWER_SECONDS = 30  # AWS does not publish its own


@dataclass(frozen=True)
class Parameters:
    """``max_payload_mb`` 0 is no limit: a payload is sent as it is read."""

    max_concurrent_transforms: int = 1
    max_payload_mb: int = 6
    batch_strategy: str = STRATEGIES["MultiRecord"]

    @classmethod
    def in_force(cls, request: CreateTransformJob, instance: Instance) -> "Parameters":
        """Asks the container for what the request leaves open. One that does not answer well has no say."""
        offered = _offered(instance)
        return cls(
            request.max_concurrent_transforms or offered.max_concurrent_transforms,
            offered.max_payload_mb if request.max_payload_in_mb is None else request.max_payload_in_mb,
            STRATEGIES[request.batch_strategy] if request.batch_strategy else offered.batch_strategy,
        )

    @property
    def max_payload_bytes(self) -> int | None:
        return self.max_payload_mb * MIB or None

    def __str__(self) -> str:
        return (
            f"MaxConcurrentTransforms={self.max_concurrent_transforms}, MaxPayloadInMB={self.max_payload_mb}, "
            f"BatchStrategy={self.batch_strategy}"
        )


def batch_variables(request: CreateTransformJob) -> dict[str, str]:
    """What the container's environment has of the job: that it is one, and what the request sets."""
    asked = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": request.max_payload_in_mb,
        "SAGEMAKER_BATCH_STRATEGY": STRATEGIES.get(request.batch_strategy or ""),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": request.max_concurrent_transforms,
    }
    given = {name: str(value) for name, value in asked.items() if value is not None}
    return {"SAGEMAKER_BATCH": "true", **given, **request.environment}


def _offered(instance: Instance) -> Parameters:
    default = Parameters()
    try:
        reply = instance.get("/execution-parameters", time.monotonic() + ANSWER_SECONDS)
        offered = json.loads(reply.body) if reply.status == 200 else {}
        strategy = offered.get("BatchStrategy", default.batch_strategy)
        return Parameters(
            _number(offered.get("MaxConcurrentTransforms", default.max_concurrent_transforms), least=1),
            _number(offered.get("MaxPayloadInMB", default.max_payload_mb), least=0),
            strategy if strategy in STRATEGIES.values() else default.batch_strategy,
        )
    except (ContainerFailure, ValueError, TypeError, AttributeError, RecursionError):
        return default


def _number(value: object, least: int) -> int:
    """Raises ValueError or TypeError if it is none."""
    if not isinstance(value, int | float | str) or not math.isfinite(number := float(value)) or number < least:
        raise ValueError(value)
    return int(number)
