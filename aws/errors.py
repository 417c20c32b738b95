"""Errors a person reads, and the one border where boto3's errors become them."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from aws.planning.refusals import explain_refusal

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


class AwsRoomError(Exception):
    """What went wrong, where, and what to do, as one or two sentences."""

    exit_code = EXIT_FAILED


class InputError(AwsRoomError):
    """The person's own input is wrong: a file, a setting or an option."""

    exit_code = EXIT_BAD_INPUT


class ResourceError(AwsRoomError):
    """A resource did not become what was asked of it, e.g. a failed training job."""


def explain(error: Exception) -> str:
    """One or two sentences for an error of boto3: what was asked, what came back, what to do."""
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return (
                "No AWS credentials were found. Run `aws configure`, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY; `--target local` needs none."
            )
        case boto.ProfileNotFound():
            return f"{error}. Correct AWS_PROFILE, or unset it."
        case boto.NoRegionError():
            return "No AWS region is set. Give `--region`, or set AWS_DEFAULT_REGION."
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ConnectionClosedError():
            url = str(error.kwargs.get("endpoint_url", "the endpoint"))
            return (
                f"Nothing answers at {url}. If that is the local stack, start it with `preflight up`; "
                "if it is AWS, check the network and the region."
            )
        case ResponseParserError():
            return (
                "What answered is neither AWS nor a stack: another program has the port. See `preflight status`, or "
                "choose another port with PREFLIGHT_PORT."
            )
        case boto.ReadTimeoutError():
            return f"{error.kwargs.get('endpoint_url')} took the call but gave no answer in time."
        case boto.ClientError():
            return explain_refusal(error.operation_name, error.response.get("Error", {}))
        case (
            boto.UnauthorizedSSOTokenError()
            | boto.SSOTokenLoadError()
            | boto.TokenRetrievalError()
            | boto.CredentialRetrievalError()
        ):
            return f"{error} Log in again (`aws sso login`), then run the same command again."
    return str(error)


def explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command: errors end it with a sentence and an exit code, never with a traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except AwsRoomError as error:
            _end(str(error), error.exit_code)
        except (boto.BotoCoreError, boto.ClientError, ResponseParserError) as error:
            _end(explain(error), EXIT_FAILED)
        except (KeyboardInterrupt, click.Abort):
            _end("Interrupted.", EXIT_INTERRUPTED)

    return run


def _end(sentence: str, exit_code: int) -> None:
    click.echo(f"Error: {sentence}" if exit_code != EXIT_INTERRUPTED else sentence, err=True)
    sys.exit(exit_code)
