"""Why data is not to be had."""

from botocore.exceptions import ClientError

from preflight.sagemaker.aws.s3 import S3Uri


class ArtifactError(Exception):
    """An object cannot be used; the text is for FailureReason."""


def unreadable(uri: S3Uri, error: Exception) -> ArtifactError:
    """An object that S3 does not give, in SageMaker's words."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "Error")
        if code == "403":  # the answer to a HEAD has no words
            return ArtifactError(f"Unable to download object {uri} (AccessDenied: Access Denied)")
        return ArtifactError(f"Unable to download object {uri} ({code}: {reason(error)})")
    return ArtifactError(f"Unable to download object {uri} ({error})")


def reason(error: Exception) -> str:
    """What S3 says of it."""
    details = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return str(details.get("Message") or details.get("Code") or error)
