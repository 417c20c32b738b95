"""``python -m local.localstack``: LocalStack's runtime, on every Python that Preflight takes.

LocalStack 2026.3.0 says it runs on Python 3.10, but takes ``warnings.deprecated``, which came with 3.13.
"""

import sys
import warnings

if sys.version_info < (3, 13):
    from typing_extensions import deprecated

    vars(warnings)["deprecated"] = deprecated

from localstack.runtime.main import main

if __name__ == "__main__":
    main()
