"""`python -m preflight_container.script_mode train|serve`: the two commands SageMaker gives a container."""

from __future__ import annotations

import os
import sys

# Where this very program was found is no place for the script's imports; nor is the folder that it was started in.
_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code (64 for a wrong command line)."""
    if arguments == ["serve"] and os.environ.get("SAGEMAKER_MULTI_MODEL") == "true":
        from preflight_container import multi_model

        return multi_model.serve([sys.executable, "-m", "preflight_container.script_mode", "serve"], os.environ)
    from preflight_container.script_mode import search_path

    search_path.leave_to_script(_OWN)
    search_path.put_toolkits_last()
    if arguments == ["train"]:
        from preflight_container.script_mode.train import train

        return train(os.environ)
    if arguments == ["serve"]:
        from preflight_container.script_mode.serve import serve

        return serve(os.environ)
    print("usage: python -m preflight_container.script_mode train|serve", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
