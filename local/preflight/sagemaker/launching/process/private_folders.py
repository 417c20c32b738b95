"""Whether a process here can have folders of its own: a private /opt/ml, an environment it can change for itself.

Linux gives them to root, and to ordinary users where they may make user namespaces. It is tried once, by doing it.
"""

import functools
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from preflight.sagemaker.launching.process.guarded_process import GuardedProcess, View

OPT_ML = "/opt/ml"
_RESTRICTION = "kernel.apparmor_restrict_unprivileged_userns"  # of Ubuntu 23.10 and later


@dataclass(frozen=True)
class PrivateFolders:
    """``problem`` is why there are none, in words; empty if there are. ``overlay_problem``: why no overlays."""

    problem: str
    overlay_problem: str

    @property
    def limitation(self) -> str | None:
        """What does not work without them, and what to do; None if they are there."""
        if not self.problem:
            return None
        return (
            f"Processes get no {OPT_ML} of their own here: {self.problem}. What reads SAGEMAKER_BASE_DIR or the SM_ "
            f"variables runs; a path that begins with {OPT_ML} in a script does not work. {_advice()}"
        )


@functools.cache
def private_folders() -> PrivateFolders:
    """What there is on this machine, for this user."""
    with tempfile.TemporaryDirectory(prefix="preflight-", ignore_cleanup_errors=True) as name:
        folder, environment, scratch = (Path(name, part) for part in ("folder", "environment", "scratch"))
        for each in (folder, environment, scratch):
            each.mkdir()
        (folder / "here").touch()
        problem = _try(View(binds={OPT_ML: folder}))
        return PrivateFolders(problem, problem or _try(View(overlays={environment: scratch}, directory=name)))


def _try(view: View) -> str:
    """Why ``view`` cannot be; empty if it can."""
    command = ["test", "-e", f"{OPT_ML}/here"] if view.binds else ["touch", "environment/new"]
    with GuardedProcess.start(command, env={}, stdout=subprocess.PIPE, view=view) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode(errors="replace").strip()
        return "" if process.wait() == 0 else said.removesuffix(".") or "it cannot be seen"


def _advice() -> str:
    if sys.platform != "linux":
        return "Run images that need it in Docker."
    restriction = Path("/proc/sys", _RESTRICTION.replace(".", "/"))
    if restriction.exists() and restriction.read_text().strip() != "0":
        return f"AppArmor forbids it; this allows it until the next boot: sudo sysctl -w {_RESTRICTION}=0"
    if Path("/.dockerenv").exists():
        return "Docker forbids it; start this container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined."
    return "Root has them everywhere; other users need user namespaces (sysctl user.max_user_namespaces above 0)."
