"""Scope: whose resources a request is about."""

from dataclasses import dataclass


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

    def owns(self, arn: str) -> bool:
        """Whether ``arn`` is one of a resource here."""
        return arn.startswith(f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:")
