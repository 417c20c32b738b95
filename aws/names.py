"""What everything of one project is called, so that it is found again without any record."""

from dataclasses import dataclass

from aws.client import Aws
from aws.config import DeploySettings

PROJECT_TAG = "preflight:project"
VARIANT = "AllTraffic"  # the one of the endpoint


@dataclass(frozen=True)
class Names:
    """The names of a project's resources in one account and region."""

    project: str
    bucket: str
    default_bucket: str
    training_role: str
    function_role: str
    endpoint: str
    function: str
    rest_api: str
    api_key: str
    usage_plan: str
    repository: str
    pipeline: str
    package_group: str
    pipeline_role: str
    approval: str
    approval_role: str
    backlog_alarm: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags that say whose a resource is."""
        return {PROJECT_TAG: self.project}

    def of_package(self, package_arn: str) -> str:
        """What lambda/approved.py calls the model of a package's version, and its endpoint configuration."""
        return f"{self.endpoint}-approved-{package_arn.rpartition('/')[2]}"

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The same tags in the form that S3, IAM and SageMaker take."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]


def names_of(aws: Aws, settings: DeploySettings) -> Names:
    """The names for these settings. Buckets share one world-wide name space, roles one per account."""
    project, region = settings.name, aws.target.region
    default_bucket = f"{project}-{aws.account_id}-{region}"
    return Names(
        project=project,
        bucket=settings.bucket or default_bucket,
        default_bucket=default_bucket,
        training_role=f"{project}-sagemaker-{region}",
        function_role=f"{project}-lambda-{region}",
        endpoint=project,
        function=f"{project}-predict",
        rest_api=project,
        api_key=project,
        usage_plan=project,
        repository=f"{project}/container",
        pipeline=project,
        package_group=project,
        pipeline_role=f"{project}-pipeline-{region}",
        approval=f"{project}-approved",
        approval_role=f"{project}-approval-{region}",
        backlog_alarm=f"{project}-has-backlog",
    )
