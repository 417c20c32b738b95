"""Where resources live: one store for each account and region."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from preflight.sagemaker.api.scope import Scope

if TYPE_CHECKING:
    from preflight.sagemaker.hosting.endpoint import Endpoint
    from preflight.sagemaker.hosting.endpoint_config import EndpointConfig
    from preflight.sagemaker.serving.model import Model
    from preflight.sagemaker.training.job import TrainingJob


class ByName[Resource](dict[str, Resource]):
    """Resources by name, whatever its case: SageMaker's ARNs hold names in lower case."""

    def __getitem__(self, name: str) -> Resource:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, resource: Resource) -> None:
        super().__setitem__(name.lower(), resource)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def pop(self, name: str, default: Any = None) -> Any:
        return super().pop(name.lower(), default)


@dataclass
class Store:
    """The resources of one scope by name. ``tags`` are by ARN."""

    training_jobs: ByName["TrainingJob"] = field(default_factory=ByName)
    models: ByName["Model"] = field(default_factory=ByName)
    endpoint_configs: ByName["EndpointConfig"] = field(default_factory=ByName)
    endpoints: ByName["Endpoint"] = field(default_factory=ByName)
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
