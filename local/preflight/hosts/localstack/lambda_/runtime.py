"""What a function finds around it: the program that runs it, and the variables of AWS's runtime."""

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from preflight import function_runtimes
from preflight.function_runtimes import SETTING, FunctionRuntime
from preflight.hosts.localstack.lambda_.folders import NODE_CLIENT, Folders

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"  # the stack's own, which is always there

_HOST_VARIABLES = ("PATH", "LD_LIBRARY_PATH")


@cache
def runtime_of(name: str) -> FunctionRuntime:
    """What runs functions of the runtime ``name``. Raises RuntimeMissing."""
    return function_runtimes.resolve(name, exact=function_runtimes.require_policy(os.environ.get(SETTING)))


def command(runtime: FunctionRuntime, handler: str) -> list[str]:
    """The command of a function's process, once what it needs is made."""
    if runtime.environment is None:
        return [str(runtime.interpreter.path), str(NODE_CLIENT), handler]
    # No bytecode is written: it is told from stale one by the second, and code that is being written changes faster.
    return [str(runtime.environment.interpreter), "-B", "-m", "awslambdaric", handler]


def function_environment(
    variables: Mapping[str, object], *, user_variables: Mapping[str, str], runtime: FunctionRuntime, folders: Folders
) -> dict[str, str]:
    """Return all variables of a function's process.

    ``variables`` are the emulator's (names, credentials, endpoint); what only the emulator's own agent needs is
    left out. Nothing comes from the shell that started the stack but the search paths: no credentials, no
    profile, and with HOME at the function's own folder no ``~/.aws`` either.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    host = {name: os.environ[name] for name in _HOST_VARIABLES if name in os.environ}
    given = {name: str(value) for name, value in variables.items() if not _is_of_the_emulator(name)}
    made = {
        **host,
        "LANG": "en_US.UTF-8",
        "HOME": str(folders.temporary),
        "TMPDIR": str(folders.temporary),
        **given,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime.name}",
        "LAMBDA_RUNTIME_DIR": str(runtime.environment.folder if runtime.environment else NODE_CLIENT.parent),
        "LAMBDA_TASK_ROOT": str(folders.task),
        **user_variables,
    }
    for name, folder in _search_paths(runtime, folders):
        made[name] = f"{folder}:{made[name]}" if name in made else str(folder)
    return made


def _search_paths(runtime: FunctionRuntime, folders: Folders) -> list[tuple[str, Path]]:
    """The variables that lead to what layers bring; of two folders of one variable the later one is found first.

    https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
    """
    opt = folders.layers
    if opt is None:
        return []
    paths = [("PATH", opt / "bin"), ("LD_LIBRARY_PATH", opt / "lib")]
    if runtime.interpreter.kind == "python":
        packages = opt / "python" / "lib" / runtime.name / "site-packages"
        return [*paths, ("PYTHONPATH", opt / "python"), ("PYTHONPATH", packages)]
    major = runtime.name.removeprefix("nodejs").removesuffix(".x")
    modules = [opt / "nodejs" / "node_modules", opt / "nodejs" / f"node{major}" / "node_modules"]
    return [*paths, *(("NODE_PATH", folder) for folder in modules)]


def _is_of_the_emulator(name: str) -> bool:
    return name.startswith("LOCALSTACK_") or name in ("EDGE_PORT", "AWS_LAMBDA_FUNCTION_TIMEOUT")
