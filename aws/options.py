"""The command-line options that deploy, predict and destroy have in common."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from aws.config import DEFAULT_PATH, DeploySettings
from aws.target import NAMES

Command = Callable[..., Any]


def data_of(data_folder: Path | None, build_folder: Path, settings: DeploySettings) -> Path:
    """The folder that ``--data`` names, or else the project's own."""
    return data_folder or build_folder / settings.name / "data"


def _limits(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,4}):(\d{1,4})", text, re.ASCII)
    low, high = map(int, found.groups()) if found else (1, 0)
    if low > high or high == 0:
        raise click.BadParameter(f"{text!r} is not the fewest and the most instances, such as 1:4.")
    return low, high


target = click.option(
    "--target",
    "target_name",
    type=click.Choice(NAMES),
    default="local",
    show_default=True,
    help="local: the stack on this machine (on PREFLIGHT_PORT), no account needed. aws: the account of your AWS "
    "credentials (it costs money).",
)
region = click.option(
    "--region",
    help="AWS region.  [default: `region` of [deploy], else your AWS configuration, else us-east-1 locally]",
)
config = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_PATH,
    show_default=True,
    help="The project's configuration file; its [deploy] section is used.",
)
build = click.option(
    "--build",
    "build_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build"),
    show_default=True,
    help="Folder for what is made: <build>/<project>/data, and for each stack and for AWS a deployment.json.",
)
data = click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="What `python -m data_prep` wrote.  [default: <build>/<project>/data]",
)
asynchronous = click.option(
    "--async",
    "asynchronous",
    is_flag=True,
    help="Host on an asynchronous endpoint: requests wait in a queue, and answers go to the bucket, below async/.",
)
autoscale = click.option(
    "--autoscale",
    metavar="MIN:MAX",
    callback=_limits,
    help="Let the number of instances follow the traffic, from MIN to MAX; from 0 with --async.",
)
