"""The errors SageMaker's clients see.

ServiceError
 ├─ ValidationException      400  a request AWS refuses, a name taken, a thing missing
 ├─ ResourceInUse            400  a job name taken
 ├─ ResourceLimitExceeded    400
 ├─ ResourceNotFound         400  a thing missing, where the operation declares this error
 ├─ ConflictException        400  a resource that others still need
 ├─ SerializationException   400  a request whose JSON does not have the operation's types
 ├─ UnknownOperationException  400
 └─ UnsupportedByPreflight   501  AWS does this, Preflight does not yet

The runtime (InvokeEndpoint) has errors of its own: see ``hosting/runtime_errors.py``.
"""

from typing import Self


def guessed(words: str) -> str:
    """``words`` that stand for AWS's own, which are not known. `preflight coverage --guesses` lists them."""
    return words


class ServiceError(Exception):
    """An error answered to the client with AWS's ``code`` and HTTP ``status``."""

    code = "InternalFailure"
    status = 500

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else ""


class ValidationException(ServiceError):
    code, status = "ValidationException", 400


class ResourceInUse(ServiceError):
    code, status = "ResourceInUse", 400


class ResourceNotFound(ServiceError):
    code, status = "ResourceNotFound", 400


class ResourceLimitExceeded(ServiceError):
    code, status = "ResourceLimitExceeded", 400

    @classmethod
    def of(cls, quota: str, limit: int, used: int, delta: int, unit: str = "Instances") -> Self:
        """``delta`` more of a quota than there is room for, in AWS's words."""
        return cls(
            f"The account-level service limit '{quota}' is {limit} {unit}, with current utilization of {used} {unit} "
            f"and a request delta of {delta} {unit}. Please use AWS Service Quotas to request an increase for this "
            "quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
        )


class ConflictException(ServiceError):
    code, status = "ConflictException", 400


class SerializationException(ServiceError):
    code, status = "SerializationException", 400


class UnknownOperationException(ServiceError):
    code, status = "UnknownOperationException", 400


class UnsupportedByPreflight(ServiceError):
    """Something AWS does and Preflight does not yet: named, never passed over in silence."""

    code, status = "UnsupportedByPreflight", 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by Preflight yet.")
