"""``python -m preflight.hosts.localstack``: LocalStack's runtime, on every Python that Preflight takes.

LocalStack 2026.3.0 says it runs on Python 3.10, but takes ``warnings.deprecated``, which came with 3.13.
"""

import os
import sys
import warnings

if sys.version_info < (3, 13):
    from typing_extensions import deprecated

    vars(warnings)["deprecated"] = deprecated

from localstack.runtime.main import main

if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        # Everything is stopped by now. To take the interpreter apart as well would cost seconds on a busy machine.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
