"""Where the service stands, and how it runs containers: what is set from outside, once, at its start."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

LAUNCHERS = ("process", "docker")
IAM_SETTINGS = ("on", "off")
DOCKER_MARK = "docker-stack"  # this file of the state folder: what the stack has in Docker carries this label
STACK_MARK = "PREFLIGHT_STACK"  # in the environment of all that a stack starts: the stack's folder
DEFAULT_CONTAINER_IMAGE = "preflight/container:latest"
INVOCATION_TIMEOUT_SECONDS = 60.0
STREAM_TIMEOUT_FACTOR = 8  # a streamed answer may take 8 minutes
FRAMEWORK_VERSIONS = "PREFLIGHT_FRAMEWORK_VERSIONS"
SCALING_MINUTE = "PREFLIGHT_SCALING_MINUTE_SECONDS"
SCALING_MINUTES = (1, 5, 10, 30, 60)  # periods that CloudWatch has
EXACT, NEAREST = "exact", "nearest"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#]+/?", re.I)
_AWS_HOST = re.compile(r"(^|\.)(amazonaws\.(com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.com\.cn|c2s\.ic\.gov)$")


class SettingError(Exception):
    """A setting has a value that means nothing; the text names both and what can be set."""


def require_launcher(value: str) -> str:
    """``value``, if it is a launcher of ``PREFLIGHT_LAUNCHER``. Raises SettingError."""
    if value not in LAUNCHERS:
        raise SettingError(
            f"PREFLIGHT_LAUNCHER is {value!r}, which Preflight does not know; use {' or '.join(LAUNCHERS)}."
        )
    return value


def require_framework_versions(value: str | None) -> str:
    """``value`` of PREFLIGHT_FRAMEWORK_VERSIONS, ``exact`` without one. Raises SettingError."""
    if value not in (None, "", EXACT, NEAREST):
        raise SettingError(f"{FRAMEWORK_VERSIONS} is {value!r}; it can be {EXACT} (as without it) or {NEAREST}.")
    return value or EXACT


def require_invocation_timeout(value: str | None) -> float:
    """``value`` in seconds, AWS's own limit without one. Raises SettingError if it is not above 0 or beyond AWS's."""
    try:
        seconds = float(value or INVOCATION_TIMEOUT_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= INVOCATION_TIMEOUT_SECONDS:
        raise SettingError(
            f"PREFLIGHT_INVOCATION_TIMEOUT_SECONDS is {value!r}; it must be above 0 and at most "
            f"{INVOCATION_TIMEOUT_SECONDS:g}, AWS's own limit."
        )
    return seconds


def require_scaling_minute(value: str | None) -> int:
    """``value`` in seconds, a minute without one. Raises SettingError."""
    allowed = [str(seconds) for seconds in SCALING_MINUTES]
    if value and value not in allowed:
        raise SettingError(f"{SCALING_MINUTE} is {value!r}; it can be {', '.join(allowed[:-1])} or {allowed[-1]}.")
    return int(value) if value else SCALING_MINUTES[-1]


def require_roles_decide(value: str | None) -> bool:
    """Whether IAM's policies decide, of ``PREFLIGHT_IAM``: they do unless it is ``off``. Raises SettingError."""
    if value not in (None, "", *IAM_SETTINGS):
        raise SettingError(
            f"PREFLIGHT_IAM is {value!r}, which Preflight does not know; use {' or '.join(IAM_SETTINGS)}."
        )
    return value != "off"


def require_origins(value: str | None) -> None:
    """PREFLIGHT_ALLOWED_ORIGINS: web pages' origins, with commas. Raises SettingError."""
    for origin in filter(None, map(str.strip, (value or "").split(","))):
        if not _ORIGIN.fullmatch(origin):
            raise SettingError(
                f"PREFLIGHT_ALLOWED_ORIGINS has {origin!r}, which is no origin of a web page; give them as "
                "http://localhost:3000,https://mine.example."
            )


def require_services_url(value: str) -> str:
    """The address of the other services, an emulator's. Raises SettingError if it names no host, or one of AWS."""
    example = "give the address of an emulator, as http://localhost:5000."
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").lower().rstrip(".") if parts.port != 0 else ""
    except ValueError:  # a port that is none, half of an IPv6 address
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise SettingError(f"{value!r} is no address of the other services: {example}")
    if _AWS_HOST.search(host):
        raise SettingError(f"{value} is an address of AWS, where what Preflight does costs money: {example}")
    return value.rstrip("/")


def kept_folder(environ: Mapping[str, str]) -> Path | None:
    """Where the stack keeps what outlives it: ``PREFLIGHT_KEPT_DIR``; None if it keeps nothing."""
    folder = environ.get("PREFLIGHT_KEPT_DIR")
    return Path(folder) if folder else None


@dataclass(frozen=True)
class Settings:
    """``endpoint_url`` answers S3, IAM and Logs; ``state_folder`` is the service's own, and empty at its start.

    ``kept_folder`` has what outlives the stack; without one nothing does.

    ``stack_id`` marks what it starts in Docker; empty: one is made of the machine, the folder and the port.
    ``container_image`` is the local Docker image of the built-in algorithms. ``container_network`` is the Docker
    network that containers are put on and reached at; empty: the one of the container that the service runs in, if
    it does, else their ports are published. ``training_slots`` is how many jobs train at once; the others wait, as
    jobs on AWS wait for instances. ``invocation_timeout_seconds`` is how long a model may take to answer: AWS's 60 s,
    unless PREFLIGHT_INVOCATION_TIMEOUT_SECONDS says less, for tests of one's own time-outs; a streamed answer has
    eight times that. ``capture_seconds`` is how long a file of data capture gathers calls: AWS's minute.
    ``scaling_minute_seconds`` is how long a minute of automatic scaling is: the periods of its alarms and its cooldowns
    are as much shorter, for tests.
    ``lambda_step_seconds`` and ``callback_step_seconds`` are how long a pipeline waits for a function, and an answer.
    ``framework_versions`` is ``exact``, or ``nearest``: what runs where an image's Python is missing.
    ``images_folder`` has the declarations of images; None: there are none.
    """

    endpoint_url: str
    state_folder: Path
    kept_folder: Path | None = None
    launcher: str = LAUNCHERS[0]
    stack_id: str = ""
    container_image: str = DEFAULT_CONTAINER_IMAGE
    container_network: str = ""
    training_slots: int = max(2, os.cpu_count() or 2)
    invocation_timeout_seconds: float = INVOCATION_TIMEOUT_SECONDS
    lambda_step_seconds: float = 600.0
    callback_step_seconds: float = 7 * 24 * 3600.0
    framework_versions: str = EXACT
    images_folder: Path | None = None
    stream_timeout_seconds: float = INVOCATION_TIMEOUT_SECONDS * STREAM_TIMEOUT_FACTOR
    capture_seconds: float = 60.0
    scaling_minute_seconds: int = SCALING_MINUTES[-1]

    @classmethod
    def from_env(cls, environ: Mapping[str, str], endpoint_url: str) -> Self:
        """Raises SettingError."""
        timeout_seconds = require_invocation_timeout(environ.get("PREFLIGHT_INVOCATION_TIMEOUT_SECONDS"))
        if not environ.get("PREFLIGHT_STATE_DIR"):
            raise SettingError("PREFLIGHT_STATE_DIR is not set; it is the folder that the service fills.")
        return cls(
            endpoint_url=endpoint_url,
            state_folder=Path(environ["PREFLIGHT_STATE_DIR"]),
            kept_folder=kept_folder(environ),
            launcher=require_launcher(environ.get("PREFLIGHT_LAUNCHER") or LAUNCHERS[0]),
            stack_id=environ.get("PREFLIGHT_STACK_ID", ""),
            container_image=environ.get("PREFLIGHT_CONTAINER_IMAGE") or DEFAULT_CONTAINER_IMAGE,
            container_network=environ.get("PREFLIGHT_CONTAINER_NETWORK", ""),
            invocation_timeout_seconds=timeout_seconds,
            framework_versions=require_framework_versions(environ.get(FRAMEWORK_VERSIONS)),
            images_folder=Path(named) if (named := environ.get("PREFLIGHT_IMAGES")) else None,
            stream_timeout_seconds=timeout_seconds * STREAM_TIMEOUT_FACTOR,
            scaling_minute_seconds=require_scaling_minute(environ.get(SCALING_MINUTE)),
        )
