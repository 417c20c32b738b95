"""Where resources live: one store for each account and region."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.sagemaker.endpoint import Endpoint
    from local.sagemaker.endpoint_config import EndpointConfig
    from local.sagemaker.model import Model
    from local.sagemaker.training_job import TrainingJob


@dataclass(frozen=True)
class Scope:
    """Whose resources: what one account has in one region. Others do not see them."""

    account_id: str
    region: str

    @property
    def partition(self) -> str:
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def arn(self, kind: str, name: str) -> str:
        """AWS writes names in lower case in SageMaker's ARNs, and only there."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"


@dataclass
class Store:
    """The resources of one scope by name. ``tags`` are by ARN."""

    training_jobs: dict[str, "TrainingJob"] = field(default_factory=dict)
    models: dict[str, "Model"] = field(default_factory=dict)
    endpoint_configs: dict[str, "EndpointConfig"] = field(default_factory=dict)
    endpoints: dict[str, "Endpoint"] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


class Stores:
    """Every scope's store, and the one lock under which any resource changes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._stores: dict[Scope, Store] = defaultdict(Store)

    def __getitem__(self, scope: Scope) -> Store:
        with self.lock:
            return self._stores[scope]

    def __iter__(self) -> Iterator[Store]:
        with self.lock:
            return iter(list(self._stores.values()))
