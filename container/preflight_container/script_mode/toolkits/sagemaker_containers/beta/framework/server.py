"""The server: it can be imported, as examples do, and has nothing of AWS's toolkit."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    raise AttributeError(f"sagemaker_containers.beta.framework.server.{name} is not supported by Preflight.")
