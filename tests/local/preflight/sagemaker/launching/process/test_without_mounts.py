"""Where the kernel gives no mount namespace: what is said, and what runs all the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from preflight.sagemaker.launching.process.private_folders import private_folders

# A user namespace in which no mount namespace may be made: as inside Docker, or under AppArmor's restriction.
WITHOUT = 'echo 0 >/proc/sys/user/max_mnt_namespaces && exec "$0" "$@"'
SCRIPT = """
import sys
from pathlib import Path
from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.launching.process.launcher import ProcessLauncher
from preflight.sagemaker.launching.programs import Programs

launcher = ProcessLauncher(Programs())
print(launcher.limitation())
image = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
spec = ContainerSpec(image=image, region="us-east-1", owner_arn="", folder=Path(sys.argv[1]), on_line=print,
                     entrypoint=["sh", "-c", 'echo "base $SAGEMAKER_BASE_DIR"; touch "$SAGEMAKER_BASE_DIR/new"'])
print("code", launcher.launch(spec).wait(20))
"""


@pytest.mark.skipif(bool(private_folders().problem), reason="there are none here to take away")
def test_the_folder_is_told_and_the_limitation_too(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", WITHOUT]

    result = subprocess.run(
        [*command, sys.executable, "-c", SCRIPT, tmp_path / "ml"], capture_output=True, text=True, timeout=60
    )

    assert result.returncode == 0, result.stderr
    limitation, base, code = result.stdout.splitlines()
    assert limitation.startswith("Processes get no /opt/ml of their own here: ")
    assert "a path that begins with /opt/ml in a script does not work" in limitation
    assert (base, code) == (f"base {tmp_path}/ml", "code 0")
    assert (tmp_path / "ml" / "new").exists()
