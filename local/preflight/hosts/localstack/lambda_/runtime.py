"""What a function finds around it: the interpreter, the modules and the variables of AWS's Python runtime.

A function must not find a module here that it would miss on AWS. So it does not run in the stack's own
environment but in a virtual one of its own, with AWS's runtime client and boto3 linked into it and nothing else.
"""

import importlib.metadata
import os
import sys
import sysconfig
import threading
import venv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Top-level distributions of the image public.ecr.aws/lambda/python, apart from pip.
DISTRIBUTIONS = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)
HOST_VARIABLES = ("PATH", "LD_LIBRARY_PATH")

_creation = threading.Lock()


@cache
def _create(folder: Path) -> Path:
    venv.EnvBuilder(symlinks=True, clear=True).create(folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "installed_base": str(folder)}))
    for name in DISTRIBUTIONS:
        distribution = importlib.metadata.distribution(name)
        top_level = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for entry in top_level:
            (packages / entry).symlink_to(str(distribution.locate_file(entry)))
    return folder


def create_runtime(folder: Path) -> Path:
    """Return the folder with ``bin/python`` in it; only the first call in a process creates it."""
    with _creation:
        return _create(folder)


def function_environment(
    variables: Mapping[str, object],
    *,
    user_variables: Mapping[str, str],
    runtime: Path,
    task_root: Path,
    temporary: Path,
) -> dict[str, str]:
    """Return all variables of a function's process.

    ``variables`` are the emulator's (names, credentials, endpoint); what only the emulator's own agent needs is
    left out. Nothing comes from the shell that started the stack but the search paths: no credentials, no
    profile, and with HOME at the function's own folder no ``~/.aws`` either.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    host = {name: os.environ[name] for name in HOST_VARIABLES if name in os.environ}
    given = {name: str(value) for name, value in variables.items() if not _is_of_the_emulator(name)}
    return {
        **host,
        "LANG": "en_US.UTF-8",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        **given,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LAMBDA_TASK_ROOT": str(task_root),
        **user_variables,
    }


def _is_of_the_emulator(name: str) -> bool:
    return name.startswith("LOCALSTACK_") or name in ("EDGE_PORT", "AWS_LAMBDA_FUNCTION_TIMEOUT")
