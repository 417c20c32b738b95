"""The training job: exactly one of a model with exit code 0, or a failure file with another exit code.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from types import FrameType

from preflight_container.channels import Channel, read_channels
from preflight_container.errors import AlgorithmError, CustomerError
from preflight_container.hosts import Hosts
from preflight_container.log import log
from preflight_container.paths import Paths

FAILURE_CHARACTERS = 1024  # what SageMaker keeps of the failure file

Job = Callable[[Paths, dict[str, str], dict[str, Channel], Hosts], None]


def train(environ: Mapping[str, str]) -> int:
    """Runs the job that the folders describe; returns the exit code: 0, 1 (ours), 2 (the customer's) or 143."""
    paths = Paths.from_env(environ)
    signal.signal(signal.SIGTERM, _stop)
    try:
        _run(paths, environ)
    except (CustomerError, AlgorithmError) as error:
        return _fail(paths, str(error), error.exit_code)
    except MemoryError as error:
        return _fail(paths, f"The job needs more memory than there is: {error}", AlgorithmError.exit_code)
    except Exception as error:
        traceback.print_exc()  # for the job's log; the failure file gets the sentence
        return _fail(paths, f"{type(error).__name__}: {error}", AlgorithmError.exit_code)
    return 0


def _run(paths: Paths, environ: Mapping[str, str]) -> None:
    job = _job(environ.get("PREFLIGHT_ALGORITHM") or "linear-learner")
    hyperparameters = paths.read_object(paths.hyperparameters)
    paths.model.mkdir(parents=True, exist_ok=True)
    values = {name: str(value) for name, value in hyperparameters.items()}
    job(paths, values, read_channels(paths), Hosts.read(paths))


def _job(algorithm: str) -> Job:
    match algorithm:
        case "linear-learner":
            from preflight_container.linear_learner import job as linear_learner

            return linear_learner.run
        case "xgboost":
            from preflight_container.xgboost_builtin import job as xgboost_builtin

            return xgboost_builtin.run
        case _:
            raise AlgorithmError(f"PREFLIGHT_ALGORITHM must be linear-learner or xgboost, not {algorithm!r}.")


def _fail(paths: Paths, reason: str, exit_code: int) -> int:
    log(reason, level="ERROR")
    paths.failure.parent.mkdir(parents=True, exist_ok=True)
    paths.failure.write_text(reason[:FAILURE_CHARACTERS])
    sys.stdout.flush()
    return exit_code


def _stop(signal_number: int, frame: FrameType | None) -> None:
    """StopTrainingJob, or the time limit. There is no model yet, so nothing is lost.

    An exception would not do: C code that is being imported may clear it, and training would go on. Nor would
    ``print``, which may be what was interrupted.
    """
    os.write(sys.stdout.fileno(), b"Training was stopped by SIGTERM.\n")
    os._exit(128 + signal_number)
