"""How a caller gets past the URL's door: with nothing, with the API key, or with a signature."""

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from requests.auth import AuthBase

from aws.deployment import Deployment
from aws.target import Target


class ApiKey(AuthBase):
    """Sends the key that AWS made up; it is asked for with the caller's own credentials, and written down nowhere."""

    def __init__(self, target: Target, key_id: str) -> None:
        self._key = target.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-api-key"] = self._key
        return request


class Signature(AuthBase):
    """Signs each request with the caller's own credentials.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._target.session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        signed = AWSRequest(
            method=request.method,
            url=request.url,
            data=request.body,
            headers={"Content-Type": request.headers["Content-Type"]},
        )
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self._target.region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def authorization_of(deployment: Deployment) -> AuthBase | None:
    """What a request to the deployment's URL has to bring along. Raises an error of boto3 without credentials."""
    if deployment.auth == "none":
        return None
    target = Target.named(deployment.target, region=deployment.region)
    if deployment.api_key_id is not None:
        return ApiKey(target, deployment.api_key_id)
    return Signature(target)


def curl_options(deployment: Deployment) -> str:
    """The same for curl, with no secret in it: the key and the credentials are put in by the shell."""
    if deployment.auth == "api-key":
        return f'-H "x-api-key: {_key_by_shell(deployment)}" '
    if deployment.auth == "iam":
        # Only where there is a token: curl (7.88) signs a header without a value, and does not send it.
        token = '${AWS_SESSION_TOKEN:+-H"x-amz-security-token: $AWS_SESSION_TOKEN"}'
        credentials = f'--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" {token}'
        return f"--aws-sigv4 aws:amz:{deployment.region}:execute-api {credentials} "
    return ""


def newman_options(deployment: Deployment) -> str:
    """The same for newman, as variables of the collection."""
    if deployment.auth == "api-key":
        return f' --env-var "api_key={_key_by_shell(deployment)}"'
    if deployment.auth == "iam":
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return "".join(f' --env-var "{name}=${name.upper()}"' for name in names)
    return ""


def who_can_call(deployment: Deployment) -> str:
    """A sentence for the person who deployed."""
    return {
        "none": "Anyone who has the URL can call it; on AWS that costs you.",
        "api-key": f"Who sends the API key as x-api-key can call it. To see the key: {_key_command(deployment)}",
        "iam": f"Identities of the account {deployment.account} that may execute-api:Invoke can call it, with signed "
        "requests.",
    }[deployment.auth]


def _key_by_shell(deployment: Deployment) -> str:
    return f"$({_key_command(deployment)})"


def _key_command(deployment: Deployment) -> str:
    endpoint = "" if deployment.target == "aws" else '--endpoint-url "$AWS_ENDPOINT_URL" '
    ask = f"aws {endpoint}--region {deployment.region} apigateway get-api-key --api-key {deployment.api_key_id}"
    return f"{ask} --include-value --query value --output text"
