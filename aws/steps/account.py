"""Whose account it is, and where: the one that preflight.toml names, and the place of the last deployment."""

from pathlib import Path

from aws.client import Aws
from aws.config import DeploySettings
from aws.deployment import Deployment
from aws.errors import InputError


def require_account(aws: Aws, settings: DeploySettings, record: Path) -> None:
    """Raises ``InputError`` if the credentials are of another account than is meant, or the region is another.

    What runs in the one would go on costing while the other is looked at.
    """
    if settings.account not in (None, aws.account_id):
        raise InputError(
            f"These credentials are of the account {aws.account_id} ({aws.caller['Arn']}), and [deploy] says account = "
            f'"{settings.account}". Use credentials of that account (AWS_PROFILE), or correct preflight.toml.'
        )
    last = Deployment.find(record)
    here = aws.account_id, aws.target.region
    if last is not None and last.project == settings.name and (last.account, last.region) != here:
        raise InputError(
            f"{record} says that {last.project} is deployed in the account {last.account}, region {last.region}; these "
            f"credentials and settings are for the account {here[0]}, region {here[1]}. Use that account and region to "
            "change or destroy it; to have another one here as well, give another --build."
        )
