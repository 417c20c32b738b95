"""AddTags, ListTags, DeleteTags: the operations on the tags of any resource."""

from preflight.sagemaker.api.listing import invalid_token
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.resources.table import Resources
from preflight.sagemaker.resources.tags import Tag


class AddTags(Shape):
    resource_arn: str
    tags: tuple[Tag, ...]


class ListTags(Shape):
    resource_arn: str
    next_token: str | None = None
    max_results: int | None = None


class DeleteTags(Shape):
    resource_arn: str
    tag_keys: tuple[str, ...]


class TagOperations:
    """A resource is looked for among those of the caller's own account and region."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @operation(AddTags)
    def add(self, scope: Scope, request: AddTags) -> Answer:
        with self._resources.lock:
            arn = self._require(scope, request.resource_arn)
            self._resources.tags.add(arn, request.tags)
            return {"Tags": self._resources.tags.as_list(arn)}

    @operation(ListTags)
    def list(self, scope: Scope, request: ListTags) -> Answer:
        """All at once: a resource has at most 50 tags, which is ListTags' smallest page."""
        if request.next_token:
            raise invalid_token()
        with self._resources.lock:
            return {"Tags": self._resources.tags.as_list(self._require(scope, request.resource_arn))}

    @operation(DeleteTags)
    def delete(self, scope: Scope, request: DeleteTags) -> Answer:
        with self._resources.lock:
            self._resources.tags.delete(self._require(scope, request.resource_arn), request.tag_keys)
        return {}

    def _require(self, scope: Scope, arn: str) -> str:
        self._resources.tags.require(scope, arn)
        return arn
