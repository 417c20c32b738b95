"""Request validators: the parameters that must be there, and the body against its model.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from preflight.hosts.localstack.api_gateway.rest.failures import invalid_body, missing_parameters
from preflight.hosts.localstack.api_gateway.rest.request import Call

_PLACES = ("header", "path", "querystring")  # the order in which AWS names what is missing


def validate(call: Call) -> None:
    """Check what the method's validator asks for. Raises Failure: 400."""
    validator = call.method.validator
    if validator is None:
        return
    if validator.parameters and (missing := _missing(call)):
        raise missing_parameters(missing)
    if validator.body:
        _check_body(call)


def _missing(call: Call) -> list[str]:
    present = {
        "header": {name for name, value in call.request.kept_headers if value},
        "path": set(call.path_parameters),
        "querystring": {name for name, values in call.request.query.items() if values[-1]},
    }
    required = [
        tuple(name.removeprefix("method.request.").split(".", 1))
        for name, is_required in sorted(call.method.parameters.items())
        if is_required
    ]
    return [name for place in _PLACES for at, name in required if at == place and name not in present[place]]


def _check_body(call: Call) -> None:
    models = call.method.models
    model = models.get(call.request.media_type) or models.get("$default")
    if model is None or model not in call.api.models:
        return
    try:
        document = json.loads(call.request.body.decode() or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise invalid_body("[Unknown error parsing request body]") from None
    try:
        problems = [_words(error) for error in _validator(model, _models_of(call)).iter_errors(document)]
    except RecursionError:
        problems = ["too deep"]
    if problems:
        raise invalid_body(f"[{', '.join(problems)}]")


def _words(error: Any) -> str:
    if error.validator == "required":
        names = ",".join(f'"{name}"' for name in error.validator_value if name not in error.instance)
        return f"object has missing required properties ([{names}])"
    return str(error.message)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON.")


def _models_of(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(call.api.models.items()))


@lru_cache(maxsize=256)
def _validator(name: str, models: tuple[tuple[str, str], ...]) -> Any:
    """Of one model; others of the API are reached by ``https://apigateway.amazonaws.com/restapis/<api>/models/<name>``."""
    schemas = dict(models)

    def retrieve(uri: str) -> Resource[Any]:
        schema = schemas.get(uri.rpartition("/")[2])
        return DRAFT4.create_resource(_read(schema) if schema else {})

    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    return jsonschema.Draft4Validator(_read(schemas[name]), registry=registry)


def _read(schema: str) -> Mapping[str, Any]:
    try:
        found = json.loads(schema)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
