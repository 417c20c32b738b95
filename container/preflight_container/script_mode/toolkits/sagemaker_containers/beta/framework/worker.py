"""An answer with its content type."""

from __future__ import annotations

from typing import Any


class Response:
    """What output_fn may return; ``accept`` is what older scripts call ``mimetype``."""

    def __init__(
        self, response: Any = None, accept: str | None = None, status: int = 200, mimetype: str | None = None
    ) -> None:
        self.response = response
        self.status_code = status
        self.mimetype = mimetype or accept or "application/json"

    def get_data(self) -> Any:
        return self.response
