"""``python -m preflight.hosts.plain``: SageMaker alone, with the other services at PREFLIGHT_SERVICES."""

import os

from preflight.hosts.plain.server import main

if __name__ == "__main__":
    main(os.environ)
