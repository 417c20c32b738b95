"""The variables that point AWS's clients at a stack: what ``preflight env`` prints. docs/clients.md says why."""

from pathlib import Path

REGION = "us-east-1"
SAGEMAKER_SDK_DEFAULTS = Path(__file__).with_name("sagemaker_sdk_defaults.yaml")


def client_environment(endpoint_url: str) -> dict[str, str]:
    """Variables for any client. The credentials are no secret: any will do."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,  # what the SDKs of other languages read
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(SAGEMAKER_SDK_DEFAULTS),
    }
