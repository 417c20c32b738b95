"""Whose pages may call: LocalStack lets in app.localstack.cloud, and does not know PREFLIGHT_ALLOWED_ORIGINS.

Requests of other pages do not get here at all: see ``web_pages.py``. This makes LocalStack answer those that do.
"""

from collections.abc import Iterator

from localstack.aws.handlers import cors
from localstack.utils.patch import Patch

from preflight.hosts import web_pages


def patches() -> Iterator[Patch]:
    """Replace the list by the one of the setting."""
    allowed = web_pages.allowed_origins()
    own = [origin for origin in cors.ALLOWED_CORS_ORIGINS if "://localhost" in origin]
    yield Patch(cors, "ALLOWED_CORS_ORIGINS", [*own, *sorted(allowed)])
