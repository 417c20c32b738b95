"""Scope: whose resources a request is about."""

from dataclasses import dataclass

# Transcripts of AWS's answers: training jobs since November 2022 (sagemaker-experiments pull request 172), endpoints in
# 2024. An endpoint configuration's was in lower case in June 2023; of the other kinds no newer ones were found.
_KEEP_CASE = ("training-job", "endpoint")


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
        """AWS writes names in lower case in the ARNs of most kinds, and only there."""
        written = name if kind in _KEEP_CASE else name.lower()
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:{kind}/{written}"

    def owns(self, arn: str) -> bool:
        """Whether ``arn`` is one of a resource here."""
        return arn.startswith(f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:")
