"""``python -m preflight.hosts.plain``: SageMaker alone, with the other services at PREFLIGHT_SERVICES."""

import os
import sys

from preflight.hosts.plain.server import main
from preflight.hosts.plain.services import ServicesError, require_services_url

if __name__ == "__main__":
    try:
        main(os.environ, require_services_url(os.environ.get("PREFLIGHT_SERVICES", "")))
    except ServicesError as error:
        sys.exit(f"Error: {error}")
