"""Where a request to a stage of an API is addressed: AWS's host name, or one of LocalStack's two paths.

https://<api>.execute-api.<region>.amazonaws.com/<stage>/<path>
/_aws/execute-api/<api>/<stage>/<path>
/restapis/<api>/<stage>/_user_request_/<path>
"""

import re
from dataclasses import dataclass

_HOST = re.compile(r"([A-Za-z0-9-]+)\.execute-api\.(?:[^:]+)(?::\d+)?", re.IGNORECASE)
_BY_PATH = re.compile(r"/+_aws/execute-api/([^/?]+)(/[^?]*)?")
_BY_OLD_PATH = re.compile(r"/+restapis/([^/?]+)/([^/?]+)/_user_request_(/[^?]*)?")
_IN_STAGE = re.compile(r"/*([^/]*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """An API's id, a stage's name (empty if none is given), and the rest of the path as it came."""

    api: str
    stage: str
    path: str

    @classmethod
    def read(cls, uri: str, host: str) -> "Address | None":
        """None for what is no request to an API."""
        if match := _BY_OLD_PATH.match(uri):
            return cls(match[1].lower(), match[2], match[3] or "/")
        if match := _BY_PATH.match(uri):
            return cls._in_stage(match[1], match[2] or "")
        if (match := _HOST.fullmatch(host)) and "-vpce-" not in match[1]:
            return cls._in_stage(match[1], uri.partition("?")[0])
        return None

    @classmethod
    def _in_stage(cls, api: str, path: str) -> "Address":
        match = _IN_STAGE.fullmatch(path)
        assert match is not None
        return cls(api.lower(), match[1], match[2] or "/")
