"""What of LocalStack is mended fits the LocalStack that is installed, or the stack does not start."""

import subprocess

from preflight.environments import kit_path, stack_python

# LocalStack is installed where stacks run, and not beside the tests.
SCRIPT = """
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.logs import provider
from localstack.utils.patch import Patch
from preflight.hosts.localstack.patches import apply

try:
    apply("serial_logs", lambda: [Patch(provider, "no_such_function", print)])
except LocalstackExit as end:
    print(end.code, end)
"""


def test_a_mend_whose_target_is_gone_ends_the_start_with_its_name() -> None:
    command = [str(stack_python()), "-P", "-c", SCRIPT]
    said = subprocess.run(command, env={"PYTHONPATH": str(kit_path())}, capture_output=True, text=True, check=True)

    assert said.stdout.startswith("1 ")
    assert "'serial_logs' does not fit this LocalStack" in said.stdout and "no_such_function" in said.stdout
