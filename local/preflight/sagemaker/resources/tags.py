"""Tags, on create and after."""

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import invalid_token
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.resources.store import Store

MAX_TAGS = 50


def tag_resource(store: Store, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Put ``tags`` on a resource; a key it has takes the new value. Call under the stores' lock.

    Raises:
        ValidationException: a key is AWS's own or named twice, or there would be too many; nothing has changed.
    """
    tags = list(tags)
    keys = [tag["Key"] for tag in tags]
    if reserved := [key for key in keys if key.lower().startswith("aws:")]:
        raise ValidationException(f"Tag keys starting with aws: are reserved: {', '.join(reserved)}.")  # words guessed
    if len(set(keys)) < len(keys):
        raise ValidationException("Tag keys must be unique within a request.")  # words guessed
    merged = {**store.tags.get(arn, {}), **{tag["Key"]: tag["Value"] for tag in tags}}
    if len(merged) > MAX_TAGS:
        raise ValidationException(f"The resource {arn} would have more than {MAX_TAGS} tags.")  # words guessed
    store.tags[arn] = merged


class Tags:
    """Operations on the tags of any resource."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def add(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            store = self._require_owner(scope, request["ResourceArn"])
            tag_resource(store, request["ResourceArn"], request["Tags"])
            return {"Tags": _as_list(store.tags[request["ResourceArn"]])}

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """All at once: a resource has at most 50 tags, which is ListTags' smallest page."""
        if request.get("NextToken"):
            raise invalid_token()
        with self._context.stores.lock:
            store = self._require_owner(scope, request["ResourceArn"])
            return {"Tags": _as_list(store.tags[request["ResourceArn"]])}

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            store = self._require_owner(scope, request["ResourceArn"])
            for key in request["TagKeys"]:
                store.tags[request["ResourceArn"]].pop(key, None)
        return {}

    def _require_owner(self, scope: Scope, arn: str) -> Store:
        store = self._context.stores[scope]
        if arn not in store.tags:
            raise ValidationException(f"Could not find resource {arn}.")  # words guessed
        return store


def _as_list(tags: Mapping[str, str]) -> "list[dict[str, str]]":
    return [{"Key": key, "Value": value} for key, value in tags.items()]
