"""Pages of what Application Auto Scaling lists."""

import base64
from collections.abc import Iterable
from typing import Any

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.scaling.errors import InvalidNextTokenException
from preflight.sagemaker.scaling.request import PageOfTargets

LARGEST_PAGE = 50

Item = dict[str, Any]


def page(result_key: str, id_key: str, items: Iterable[Item], request: PageOfTargets) -> dict[str, Any]:
    """A token names the last item that it gave. Raises ValidationException, InvalidNextTokenException."""
    size = LARGEST_PAGE if request.max_results is None else request.max_results
    if not 1 <= size <= LARGEST_PAGE:
        raise ValidationException(guessed(f"MaxResults must be between 1 and {LARGEST_PAGE}, not {size}."))
    rows = list(items)
    if request.next_token:
        tokens = [_token(result_key, row[id_key]) for row in rows]
        if request.next_token not in tokens:
            raise InvalidNextTokenException(guessed("Invalid NextToken."))
        rows = rows[tokens.index(request.next_token) + 1 :]
    answer: dict[str, Any] = {result_key: rows[:size]}
    if len(rows) > size:
        answer["NextToken"] = _token(result_key, rows[size - 1][id_key])
    return answer


def _token(result_key: str, identity: str) -> str:
    return base64.urlsafe_b64encode(f"{result_key}|{identity}".encode()).decode()
