"""`python -m preflight_container train|serve`: the two commands SageMaker gives a container."""

import os
import signal
import sys

# Until the command has a handler of its own: a container's main process without any does not even hear the signal.
# Not an exception, which a module that is being imported may clear.
signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))

# The matrices here are small: BLAS threads cost more than they bring, and would take cores from serving.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# xgboost's threads would spin while they wait for each other: on cores that are shared that takes many times longer.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

USAGE = """usage: python -m preflight_container train|serve

  train   read hyperparameters and channels below SAGEMAKER_BASE_DIR (default /opt/ml), write the model there
  serve   answer GET /ping and POST /invocations on SAGEMAKER_BIND_TO_PORT (default 8080)

PREFLIGHT_ALGORITHM names the algorithm: linear-learner (the default in training) or xgboost; serving can tell it
from the model's files. PREFLIGHT_BIND_ADDRESS is the address to listen on (default 0.0.0.0)."""


# xgboost imports scikit-learn where it is installed, which takes longer than all the rest and serves nothing here.
sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code (64 for a wrong command line)."""
    match arguments:
        case ["train"]:
            from preflight_container.train import train

            return train(os.environ)
        case ["serve"] if os.environ.get("SAGEMAKER_MULTI_MODEL") == "true":
            from preflight_container import multi_model

            return multi_model.serve([sys.executable, "-m", "preflight_container", "serve"], os.environ)
        case ["serve"]:
            from preflight_container.serve import serve

            return serve(os.environ)
        case ["--help" | "-h"]:
            print(USAGE)
            return 0
        case _:
            print(USAGE, file=sys.stderr)
            return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
