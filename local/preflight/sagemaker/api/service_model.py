"""Botocore's own models of SageMaker and SageMaker Runtime: what AWS's clients know of the two services."""

import functools
from collections.abc import Iterable

import botocore.loaders
from botocore.model import ServiceModel


@functools.cache
def service_model(name: str = "sagemaker") -> ServiceModel:
    """The model of ``sagemaker`` or ``sagemaker-runtime``."""
    return ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)


def describe_members(operation_name: str) -> Iterable[str]:
    """The members of a Describe operation's answer."""
    shape = service_model().operation_model(operation_name).output_shape
    return () if shape is None else shape.members
