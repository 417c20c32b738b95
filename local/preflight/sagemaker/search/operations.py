"""The operations Search and GetSearchSuggestions."""

import base64
import json
from datetime import datetime
from typing import Any

from botocore.model import StructureShape

from preflight.sagemaker.api.errors import UnsupportedByPreflight
from preflight.sagemaker.api.listing import invalid_token
from preflight.sagemaker.api.operation import Answer, RefusedCase, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.resources.table import Resources
from preflight.sagemaker.search.expression import make_test
from preflight.sagemaker.search.properties import facts_of, find_property, names_in
from preflight.sagemaker.search.request import GetSearchSuggestions, Search

_CROSS_ACCOUNT = RefusedCase("Search", "CrossAccountFilterOption CrossAccount")
_UNKNOWN_KINDS = RefusedCase("Search", "Resource of a kind that is not here, such as FeatureGroup")

MAX_SUGGESTIONS = 100


class Searches:
    """Results are there at once; on AWS they may come some seconds later."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @operation(Search, refuses=(_CROSS_ACCOUNT, _UNKNOWN_KINDS))
    def search(self, scope: Scope, request: Search) -> Answer:
        if request.cross_account_filter_option == "CrossAccount":
            raise _CROSS_ACCOUNT.error()
        records = self._records(scope, request.resource)
        key, shape = _result_shape(request.resource)
        if request.search_expression:
            test = make_test(request.resource, shape, request.search_expression)
            records = [record for record in records if test(facts_of(record))]
        records = _sorted(shape, records, request)
        start = _read_token(request) if request.next_token else 0
        end = start + request.max_results
        answer: Answer = {
            "Results": [{key: _shown(shape, record)} for record in records[start:end]],
            "TotalHits": {"Value": len(records), "Relation": "EqualTo"},
        }
        if len(records) > end:
            answer["NextToken"] = _write_token(request, end)
        return answer

    @operation(GetSearchSuggestions)
    def suggest(self, scope: Scope, request: GetSearchSuggestions) -> Answer:
        """The names of properties that resources have and that begin with the hint."""
        records = self._records(scope, request.resource)
        _, shape = _result_shape(request.resource)
        query = request.suggestion_query and request.suggestion_query.property_name_query
        hint = query.property_name_hint if query else ""
        names = sorted({name for record in records for name in names_in(facts_of(record), shape)} | set(shape.members))
        found = [name for name in names if name.lower().startswith(hint.lower())]
        return {"PropertyNameSuggestions": [{"PropertyName": name} for name in found[:MAX_SUGGESTIONS]]}

    def _records(self, scope: Scope, resource: str) -> list[dict[str, Any]]:
        found = self._resources.found(scope, resource)
        if found is None:
            raise UnsupportedByPreflight(f"Search with Resource {resource}")
        return found


def _result_shape(resource: str) -> tuple[str, StructureShape]:
    """The member of a search result that holds such a resource, and its structure."""
    key = resource.removeprefix("Experiment") or resource
    return key, service_model().shape_for("SearchRecord").members[key]


def _shown(shape: StructureShape, record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name in shape.members}


def _sorted(shape: StructureShape, records: list[dict[str, Any]], request: Search) -> list[dict[str, Any]]:
    """Those that do not have the property come last, in either order."""
    name = request.sort_by
    if name == "LastModifiedTime" and name not in shape.members:
        name = "CreationTime"
        if name not in shape.members:
            return records
    found = find_property(shape, name)
    values = [(found.values(facts_of(record)), record) for record in records]
    present = [(_sort_key(value[0]), record) for value, record in values if value]
    present.sort(key=lambda pair: pair[0], reverse=request.sort_order == "Descending")
    return [record for _, record in present] + [record for value, record in values if not value]


def _sort_key(value: Any) -> tuple[float, str]:
    if isinstance(value, datetime):
        return value.timestamp(), ""
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _write_token(request: Search, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([*_order(request), start]).encode()).decode()


def _read_token(request: Search) -> int:
    """Where to go on. Raises ValidationException if the token is of another search."""
    try:
        *order, start = json.loads(base64.urlsafe_b64decode(str(request.next_token).encode()))
    except (ValueError, TypeError, RecursionError):
        raise invalid_token() from None
    if order != _order(request) or not isinstance(start, int):
        raise invalid_token()
    return start


def _order(request: Search) -> list[str]:
    return [request.resource, request.sort_by, request.sort_order]
