"""The errors of Application Auto Scaling that SageMaker does not have."""

from preflight.sagemaker.api.errors import ServiceError


class ObjectNotFoundException(ServiceError):
    code, status = "ObjectNotFoundException", 400


class LimitExceededException(ServiceError):
    code, status = "LimitExceededException", 400


class InvalidNextTokenException(ServiceError):
    code, status = "InvalidNextTokenException", 400


class FailedResourceAccessException(ServiceError):
    code, status = "FailedResourceAccessException", 400


class ResourceNotFoundException(ServiceError):
    code, status = "ResourceNotFoundException", 400


class TooManyTagsException(ServiceError):
    code, status = "TooManyTagsException", 400
