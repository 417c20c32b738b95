"""A training job that runs a script: its source, its packages, its variables and arguments, and how it ended.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
"""

from __future__ import annotations

import builtins
import os
import shlex
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preflight_container.script_mode import sources
from preflight_container.script_mode.folders import Folders
from preflight_container.script_mode.search_path import put_first
from preflight_container.script_mode.training_environment import TrainingEnvironment

_KILLED = 137
_KEPT_LINES = 1000
_EXCEPTIONS = tuple(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)
_IGNORED_FAILURE = "terminate called after throwing an instance of 'gloo::EnforceNotMet'"  # PyTorch's image takes it
_FAILED = 1


class NoScript(Exception):
    """The job names no script, or one that cannot be run."""


class ScriptFailed(Exception):
    """A command of the script's, or for it, has failed; the text is for the failure file."""


def train(environ: Mapping[str, str]) -> int:
    """Run the job that the folders describe; the exit code is 0, or 1 and output/failure says why."""
    folders = Folders(environ)
    for folder in (folders.model, folders.configuration, folders.output_data):
        folder.mkdir(parents=True, exist_ok=True)
    framework = environ.get("PREFLIGHT_FRAMEWORK", "sklearn")
    try:
        code = _run(folders, TrainingEnvironment(folders, framework, environ), environ)
    except ScriptFailed as failure:
        return _fail(folders, str(failure))
    except Exception as error:  # whatever is wrong with the job's source or settings is told, as AWS tells it
        word = "framework error" if framework == "xgboost" else "Framework Error"
        return _fail(
            folders, f"{word}: \n{traceback.format_exc(limit=-2).strip()}\n{error}", getattr(error, "errno", None)
        )
    if code == 0:
        (folders.output / "success").touch()
    return code


def _run(folders: Folders, job: TrainingEnvironment, environ: Mapping[str, str]) -> int:
    if not job.program:
        raise NoScript(
            "The job names no script: set the hyperparameter sagemaker_program (the SDK's entry_point) or the "
            "environment variable SAGEMAKER_PROGRAM."
        )
    if job.framework == "pytorch" and job.distribution:
        raise NoScript(f"The distribution that {job.distribution} asks for is not supported by Preflight.")
    sources.bring(job.source, folders.code, environ)
    os.environ.update(job.variables())
    put_first(str(folders.code))
    _install(folders, job)
    command = _command(folders.code, job)
    print(f"Invoking script with the following command:\n\n{' '.join(command)}\n", flush=True)
    code, said = _call(command, folders.code, captured=job.framework == "pytorch")
    if code and _IGNORED_FAILURE not in said:
        raise ScriptFailed(_failure("ExecuteUserScriptError", code, command, job, error_text(said)))
    return 0


def _install(folders: Folders, job: TrainingEnvironment) -> None:
    code = folders.code
    requirements = ["-r", sources.REQUIREMENTS] if (code / sources.REQUIREMENTS).exists() else []
    is_package = (code / "setup.py").exists() and not _is_command(job)
    # An image's pip builds with what is installed, as the one on AWS did.
    package = ["--no-build-isolation", "."] if is_package else []
    if not requirements and not package:
        return
    try:
        sources.install([*package, *requirements], code, folders.base)
    except sources.InstallError as error:
        kind = "InstallModuleError" if is_package else "InstallRequirementsError"
        raise ScriptFailed(_failure(kind, error.code, error.command, job)) from error


def _is_command(job: TrainingEnvironment) -> bool:
    """Whether it is a shell's to run. XGBoost's image runs everything as a Python module."""
    return job.framework != "xgboost" and (job.program or "").endswith(".sh")


def _command(code: Path, job: TrainingEnvironment) -> list[str]:
    program = job.program or ""
    if job.framework == "xgboost":
        return [sys.executable, "-m", job.module, *job.arguments]
    if not _is_command(job) and (code / "setup.py").exists():
        return [sys.executable, "-m", job.module, *job.arguments]
    if program.endswith(".py"):
        return [sys.executable, program, *job.arguments]
    if code.resolve() not in (code / program).resolve().parents:
        raise NoScript(f"{program} is not in the job's source.")
    (code / program).chmod(0o777)
    return ["/bin/sh", "-c", f"./{program} {' '.join(map(shlex.quote, job.arguments))}"]


def _call(command: list[str], code: Path, *, captured: bool) -> tuple[int, str]:
    """Run it to its end; SIGTERM is passed on. Its exit code, 128 + N for signal N, and its errors if ``captured``."""
    process = subprocess.Popen(command, cwd=code, stderr=subprocess.PIPE if captured else None)

    def stop(number: int, frame: Any) -> None:
        process.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
    said = deque(maxlen=_KEPT_LINES)  # type: deque[str]
    for line in process.stderr or ():
        text = line.decode(errors="replace")
        sys.stderr.write(text)
        sys.stderr.flush()
        said.append(text)
    code_of_process = process.wait()
    return (code_of_process if code_of_process >= 0 else 128 - code_of_process), "".join(said)


def error_text(said: str) -> str:
    """What of a program's errors the failure file has: from the first that names an exception, each line once."""
    lines = said.splitlines()
    first = next((place for place, line in enumerate(lines) if any(name in line for name in _EXCEPTIONS)), len(lines))
    return "\n".join(dict.fromkeys(lines[first:]))


def _failure(kind: str, code: int, command: list[str], job: TrainingEnvironment, said: str = "") -> str:
    shown = f'Command "{" ".join(command)}"'
    if job.framework == "xgboost":
        return f"{kind}:\n{shown}"
    lines = [f"{kind}:", f"ExitCode {code}", f'ErrorMessage "{said}"']
    if code == _KILLED:
        lines.append('ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"')
    return "\n".join([*lines, shown])


def _fail(folders: Folders, text: str, code: Any = None) -> int:
    """Say why, unless the script has said so itself."""
    print(text, file=sys.stderr, flush=True)
    failure = folders.output / "failure"
    if not failure.exists():
        failure.write_text(text, errors="backslashreplace")
    return code if isinstance(code, int) and 0 < code < 256 else _FAILED
