"""CloudWatch Logs: where the project's output goes, how long it is kept, and its last lines."""

from botocore.exceptions import ClientError

from aws.client import Aws
from aws.names import Names

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"  # of all jobs of the account; a job has streams of its own
TRANSFORM_GROUP = "/aws/sagemaker/TransformJobs"  # likewise
PROCESSING_GROUP = "/aws/sagemaker/ProcessingJobs"  # likewise
LAST_LINES = 15


def endpoint_group(names: Names) -> str:
    """Where SageMaker writes what the endpoint's containers print."""
    return f"/aws/sagemaker/Endpoints/{names.endpoint}"


def function_group(names: Names) -> str:
    """Where Lambda writes what the function prints."""
    return f"/aws/lambda/{names.function}"


def approval_group(names: Names) -> str:
    """Where Lambda writes what the function says that approvals call."""
    return f"/aws/lambda/{names.approval}"


def ensure_log_group(aws: Aws, names: Names, group: str, days: int) -> None:
    """Have the group before anybody writes to it, so that what it keeps costs nothing for ever.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    found = find_log_group(aws, group)
    if found is None:
        aws.change("logs", "CreateLogGroup", why="it does not exist", logGroupName=group, tags=names.tags)
    if found is None or found.get("retentionInDays") != days:
        why = "else its lines are kept, and paid for, for ever" if found is None else f"{days} days are asked for"
        aws.change("logs", "PutRetentionPolicy", why=why, logGroupName=group, retentionInDays=days)


def find_log_group(aws: Aws, group: str) -> dict[str, object] | None:
    """The group of exactly this name, or ``None``."""
    listed = aws.list("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=group)
    return next((found for found in listed if found["logGroupName"] == group), None)


def last_lines(aws: Aws, group: str, stream_prefix: str = "") -> str:
    """The last lines of the stream written last, each on a line of its own, for the end of an error's sentence."""
    prefix = {"logStreamNamePrefix": stream_prefix} if stream_prefix else {}
    try:
        streams = list(aws.list("logs", "DescribeLogStreams", "logStreams", logGroupName=group, **prefix))
        if not streams:
            return ""
        last = max(streams, key=lambda stream: stream.get("lastEventTimestamp", 0))["logStreamName"]
        events = aws.find("logs", "GetLogEvents", logGroupName=group, logStreamName=last, limit=LAST_LINES)
    except ClientError as error:  # the reason is told already; this would only have been more of it
        return f" They cannot be read: {error.response['Error']['Code']}."
    lines = [event["message"].rstrip() for event in (events or {}).get("events", [])]
    return "".join(["\nIts last lines:", *(f"\n  {line}" for line in lines)]) if lines else ""
