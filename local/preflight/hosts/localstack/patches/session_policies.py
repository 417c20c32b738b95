"""STS's AssumeRole with session policies, which LocalStack's takes and forgets: the session keeps them."""

from collections.abc import Iterator
from typing import Any

from localstack.services.sts.provider import StsProvider
from localstack.utils.patch import Patch

from preflight.hosts.localstack.authorization.callers import keep_session_policies


def patches() -> Iterator[Patch]:
    """Note them with the credentials that LocalStack makes."""
    assume_role = StsProvider.assume_role

    def assume_role_within_policies(*arguments: Any, **named: Any) -> Any:
        answer = assume_role(*arguments, **named)
        documents = [named["policy"]] if named.get("policy") else []
        arns = [each["arn"] for each in named.get("policy_arns") or ()]
        if documents or arns:
            keep_session_policies(answer["Credentials"]["AccessKeyId"], documents, arns)
        return answer

    yield Patch(StsProvider, "assume_role", assume_role_within_policies)
