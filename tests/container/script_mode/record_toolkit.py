"""Record what AWS's own training toolkit gives a script: ``python record_toolkit.py >toolkit.json``.

In an environment of its own that has ``sagemaker-training`` (recorded with 5.1.4, Python 3.10), which needs a compiler.
The tests read the record and need neither.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
RUN = """
from sagemaker_training import entry_point, environment
job = environment.Environment()
entry_point.run(uri=job.module_dir, user_entry_point=job.user_entry_point, args=job.to_cmd_args(),
                env_vars=job.to_env_vars(), capture_error=False)
"""


def main() -> None:
    job = json.loads((HERE / "job.json").read_text())
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for folder in ("input/config", "model", "output/data", "code"):
            (base / folder).mkdir(parents=True)
        for file, content in job["configuration"].items():
            (base / "input/config" / file).write_text(json.dumps(content))
        (base / "code" / "train.py").write_text((HERE / "tell.py").read_text())
        settings = {"SAGEMAKER_TRAINING_MODULE": "sagemaker_sklearn_container.training:main", **job["environment"]}
        environment = {**os.environ, **settings, "SAGEMAKER_BASE_DIR": name, "SM_STUDIO_LOCAL_MODE": "true"}
        subprocess.run([sys.executable, "-c", RUN], env=environment, cwd=name, check=True, stdout=sys.stderr)
        told = (base / "model" / "told.json").read_text()
    print(json.dumps(json.loads(told.replace(name, "/opt/ml")), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
