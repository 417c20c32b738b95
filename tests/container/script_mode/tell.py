"""A training script that writes down what it was given."""

import json
import os
import sys
from pathlib import Path

NAMES = ("CURRENT_HOST", "SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION")
variables = {name: value for name, value in os.environ.items() if name.startswith("SM_") or name in NAMES}
told = {"arguments": sys.argv[1:], "variables": variables, "folder": str(Path.cwd())}
Path(os.environ["SM_MODEL_DIR"], "told.json").write_text(json.dumps(told))
