"""What a request names a group or a package by: its name, ``GROUP/VERSION``, or an ARN of either."""

import re

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope

_ARN = re.compile(r"arn:[^:]+:sagemaker:(?P<region>[^:]*):(?P<account>\d{12}):(?P<kind>[a-z-]+)/(?P<name>.+)")


def name_of(scope: Scope, reference: str, kind: str) -> str:
    """The name that ``reference`` has in a table of ``kind``, a word of ARNs.

    Raises:
        ValidationException: it is an ARN of another region or kind, or what another account has.
    """
    arn = _ARN.fullmatch(reference)
    if arn is None:
        return reference
    if arn["region"] != scope.region:
        raise ValidationException(f"ARN should be scoped to correct region: {scope.region}")
    if arn["kind"] != kind:
        raise ValidationException(guessed(f"{reference} is not the ARN of a {kind}."))
    if arn["account"] != scope.account_id:
        raise ValidationException(guessed(f"The resource {reference} is not accessible to account {scope.account_id}."))
    return arn["name"]
