"""Record what AWS's scikit-learn container answers: ``PYTHONPATH=... python record_server.py >server.json``.

In an environment of its own, with the sources of aws/sagemaker-containers and aws/sagemaker-scikit-learn-container on
its path and what they import installed (recorded with 526dda9 and eae7b6b, Python 3.9, Flask 2.2.5, numpy 1.24.1). Its
server is asked in process: nginx and gunicorn, which stand before it on AWS, are left out. The tests read the record.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ANSWER = """
import json, sys, types, warnings
warnings.simplefilter("ignore")
sys.modules["gethostname"] = types.ModuleType("gethostname")  # the toolkit's own C extension, for MPI
from sagemaker_sklearn_container import serving
from werkzeug.test import Client

client = Client(serving.main)
for request in json.load(sys.stdin):
    answer = client.open(request.get("path", "/invocations"), method=request.get("method", "POST"),
                         headers=request.get("headers"), data=request.get("body"))
    print(json.dumps([answer.status_code, answer.headers.get("Content-Type"), answer.get_data(as_text=True)]))
"""


def main() -> None:
    requests = json.loads((HERE / "requests.json").read_text())
    answers: list[tuple[dict[str, object], object]] = []
    for name, script in json.loads((HERE / "scripts.json").read_text()).items():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "script.py").write_text(script)
            settings = {"SAGEMAKER_PROGRAM": "script.py", "SAGEMAKER_BASE_DIR": folder}
            path = os.pathsep.join([folder, os.environ["PYTHONPATH"]])
            mine = [request for request in requests if request["script"] == name]
            result = subprocess.run(
                [sys.executable, "-c", ANSWER],
                env={**os.environ, **settings, "PYTHONPATH": path},
                input=json.dumps(mine),
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        answers += zip(mine, map(json.loads, result.stdout.splitlines()))  # noqa: B905 - it runs on 3.9
    print(json.dumps([{**request, "answer": answer} for request, answer in answers], indent=1))


if __name__ == "__main__":
    main()
