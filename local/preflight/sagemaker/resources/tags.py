"""Tags of any resource, by its ARN."""

import threading
from collections.abc import Iterable, Mapping

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.shape import Shape

MAX_TAGS = 50


class Tag(Shape):
    key: str
    value: str


class Tags:
    """The tags of every resource; a resource without any has an empty map."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._tags: dict[str, dict[str, str]] = {}

    def add(self, arn: str, tags: Iterable[Tag]) -> None:
        """Put ``tags`` on a resource, a new one included; a key it has takes the new value.

        Raises:
            ValidationException: a key is AWS's own or named twice, or there would be too many; nothing has changed.
        """
        tags = list(tags)
        keys = [tag.key for tag in tags]
        if reserved := [key for key in keys if key.lower().startswith("aws:")]:
            raise ValidationException(guessed(f"Tag keys starting with aws: are reserved: {', '.join(reserved)}."))
        if len(set(keys)) < len(keys):
            raise ValidationException(guessed("Tag keys must be unique within a request."))
        with self._lock:
            merged = {**self._tags.get(arn, {}), **{tag.key: tag.value for tag in tags}}
            if len(merged) > MAX_TAGS:
                raise ValidationException(guessed(f"The resource {arn} would have more than {MAX_TAGS} tags."))
            self._tags[arn] = merged

    def has(self, scope: Scope, arn: str) -> bool:
        """Whether there is such a resource in ``scope``."""
        return arn in self._tags and scope.owns(arn)

    def take_back(self, arn: str, tags: Mapping[str, str]) -> None:
        """Put the tags on a resource that it had before the stack was stopped."""
        with self._lock:
            self._tags[arn] = dict(tags)

    def require(self, scope: Scope, arn: str) -> None:
        """Raises ValidationException if there is no such resource in ``scope``."""
        if not self.has(scope, arn):
            raise ValidationException(guessed(f"Could not find resource {arn}."))

    def of(self, arn: str) -> Mapping[str, str]:
        with self._lock:
            return dict(self._tags.get(arn, {}))

    def as_list(self, arn: str) -> list[dict[str, str]]:
        """The tags of a resource in the form of answers."""
        return [{"Key": key, "Value": value} for key, value in self.of(arn).items()]

    def delete(self, arn: str, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                self._tags[arn].pop(key, None)

    def forget(self, arn: str) -> None:
        """The resource is gone."""
        with self._lock:
            self._tags.pop(arn, None)
