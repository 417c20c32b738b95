"""What API Gateway itself answers instead of the integration: its 21 types, their statuses, their words.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from dataclasses import dataclass

INTERNAL = "Internal server error"
_SPACED = ("BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "MISSING_AUTHENTICATION_TOKEN")


@dataclass(eq=False)
class Failure(Exception):
    """A request ends here, with a gateway response."""

    type: str
    message: str | None
    status: int
    error: str  # the header x-amzn-ErrorType
    reason: str = ""  # the line of the execution log
    is_integration: bool = False  # whether the integration was reached: its trace is told then
    validation: str = ""  # $context.error.validationErrorString

    @property
    def is_spaced(self) -> bool:
        """Most of AWS's front door writes ``{"message":"..."}``; what comes behind it a blank more."""
        return self.is_integration or self.type in _SPACED


def no_stage() -> Failure:
    """No such API, or no such stage of it."""
    return Failure("WAF_FILTERED", "Forbidden", 403, "ForbiddenException")


def no_route() -> Failure:
    """No resource or method there; or a method of AWS_IAM asked without a signature."""
    words = "Missing Authentication Token"
    return Failure("MISSING_AUTHENTICATION_TOKEN", words, 403, "MissingAuthenticationTokenException")


def incomplete_signature(message: str) -> Failure:
    """An Authorization header that is no signature."""
    return Failure("MISSING_AUTHENTICATION_TOKEN", message, 403, "IncompleteSignatureException")


def invalid_signature(message: str) -> Failure:
    return Failure("INVALID_SIGNATURE", message, 403, "InvalidSignatureException")


def expired_token() -> Failure:
    words = "The security token included in the request is expired"
    return Failure("EXPIRED_TOKEN", words, 403, "ExpiredTokenException")


def unknown_token() -> Failure:
    words = "The security token included in the request is invalid."
    return Failure("ACCESS_DENIED", words, 403, "UnrecognizedClientException")


def access_denied(message: str) -> Failure:
    return Failure("ACCESS_DENIED", message, 403, "AccessDeniedException")


def unauthorized() -> Failure:
    return Failure("UNAUTHORIZED", "Unauthorized", 401, "UnauthorizedException")


def authorizer_misconfigured(reason: str) -> Failure:
    """Its function fails, or answers what is no policy."""
    kind = "AuthorizerConfigurationException"
    return Failure("AUTHORIZER_CONFIGURATION_ERROR", None, 500, kind, reason)


def invalid_api_key() -> Failure:
    return Failure("INVALID_API_KEY", "Forbidden", 403, "ForbiddenException")


def throttled() -> Failure:
    return Failure("THROTTLED", "Too Many Requests", 429, "TooManyRequestsException")


def quota_exceeded() -> Failure:
    return Failure("QUOTA_EXCEEDED", "Limit Exceeded", 429, "LimitExceededException")


def missing_parameters(names: list[str]) -> Failure:
    words = f"Missing required request parameters: [{', '.join(names)}]"
    return Failure("BAD_REQUEST_PARAMETERS", words, 400, "BadRequestException")


def invalid_body(validation: str) -> Failure:
    words = "Invalid request body"
    return Failure("BAD_REQUEST_BODY", words, 400, "BadRequestException", validation=validation)


def unsupported_media_type() -> Failure:
    words = "Unsupported Media Type"
    return Failure("UNSUPPORTED_MEDIA_TYPE", words, 415, "BadRequestException", is_integration=True)


def too_large() -> Failure:
    return Failure("REQUEST_TOO_LARGE", "Request Too Long", 413, "RequestTooLargeException")


def uri_too_long() -> Failure:
    return Failure("DEFAULT_4XX", "Request URI too long", 414, "RequestUriTooLongException")


def headers_too_large() -> Failure:
    return Failure("DEFAULT_4XX", "Request header fields too large", 431, "RequestHeaderFieldsTooLargeException")


def integration_timeout() -> Failure:
    words = "Endpoint request timed out"
    reason = "Execution failed due to a timeout error"
    return Failure("INTEGRATION_TIMEOUT", words, 504, "InternalServerErrorException", reason, is_integration=True)


def bad_function(reason: str) -> Failure:
    """The function failed, or what it answers is no answer of a proxy."""
    return _internal("DEFAULT_5XX", 502, reason)


def misconfigured(reason: str) -> Failure:
    """What is configured cannot be carried out: a right is missing, a mapping leads nowhere."""
    return _internal("API_CONFIGURATION_ERROR", 500, f"Execution failed due to configuration error: {reason}")


def refused_by_function(reason: str) -> Failure:
    """Lambda did not run the function."""
    return _internal("DEFAULT_5XX", 500, reason)


def unsupported(what: str) -> Failure:
    """What AWS has and this program has not."""
    return Failure("DEFAULT_5XX", f"{what} is not supported by Preflight yet.", 501, "UnsupportedByPreflight")


def broken() -> Failure:
    """A fault of this program's."""
    return _internal("DEFAULT_5XX", 500, "Execution failed due to an internal error")


def _internal(kind: str, status: int, reason: str) -> Failure:
    return Failure(kind, INTERNAL, status, "InternalServerErrorException", reason, is_integration=True)
