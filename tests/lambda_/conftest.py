"""The example's functions run on the stack as every other one does."""

from tests.local.preflight.hosts.localstack.lambda_.conftest import (
    Create,
    Function,
    create,
    create_function,
    function_role,
    lambda_client,
)

__all__ = ["Create", "Function", "create", "create_function", "function_role", "lambda_client"]
