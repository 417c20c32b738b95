"""What commands see of the machine's folders, and what of it is left. Skipped, by name, where there are no mounts."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.sagemaker.launching.process.guarded_process import GUARD, GuardedProcess, View
from preflight.sagemaker.launching.process.private_folders import OPT_ML, private_folders

pytestmark = pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem)
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def start(view: View, *command: str) -> GuardedProcess:
    return GuardedProcess.start(command, env=ENVIRONMENT, stdout=subprocess.PIPE, view=view)


def output(view: View, script: str) -> list[str]:
    with start(view, "sh", "-c", script) as process:
        assert process.stdout is not None
        return process.stdout.read().decode().splitlines()


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_two_at_once_have_their_own_and_the_machine_has_neither(tmp_path: Path) -> None:
    before = sorted(Path("/opt").iterdir()), Path(OPT_ML).exists()
    views = [View(binds={OPT_ML: folder(tmp_path / name)}, directory=OPT_ML) for name in ("first", "second")]
    wait = "touch $0; until [ -e stop ]; do sleep 0.01; done; ls; ls /opt"
    with start(views[0], "sh", "-c", wait, "one") as first, start(views[1], "sh", "-c", wait, "two") as second:
        for name in ("first", "second"):
            (tmp_path / name / "stop").touch()
        seen = [process.stdout.read().decode().split() for process in (first, second) if process.stdout]

    assert [lines[:2] for lines in seen] == [["one", "stop"], ["stop", "two"]]
    assert all({entry.name for entry in before[0]} | {"ml"} <= set(lines) for lines in seen)
    assert (sorted(Path("/opt").iterdir()), Path(OPT_ML).exists()) == before


def test_a_folder_can_be_shown_over_one_that_is_there_and_in_one_that_is_shown(tmp_path: Path) -> None:
    there, new = folder(tmp_path / "there", old="1"), folder(tmp_path / "new", new="2")
    view = View(binds={str(there): new, f"{there}/a/b": folder(tmp_path / "c", c="3")})

    assert output(view, f"cat {there}/new {there}/a/b/c; echo; ls {there}") == ["23", "a", "new"]
    assert [[entry.name for entry in path.iterdir()] for path in (there, new)] == [["old"], ["new"]]


def test_an_empty_folder_shows_what_is_bound_below_it(tmp_path: Path) -> None:
    there, needed = folder(tmp_path / "there", old="1"), folder(tmp_path / "there" / "a" / "b", new="2")
    view = View(tmpfs={str(there): 1 << 20}, binds={str(needed): needed}, directory=str(there))

    assert output(view, "ls; cat a/b/new; echo; touch mine a/mine") == ["a", "2"]
    assert sorted(entry.name for entry in there.rglob("*")) == ["a", "b", "new", "old"]


def test_what_is_written_over_an_environment_stays_beside_it(tmp_path: Path) -> None:
    environment, changes = folder(tmp_path / "environment", kept="k", gone="g"), folder(tmp_path / "changes")

    seen = output(View(overlays={environment: changes}), f"cd {environment}; touch new; rm gone; ls")

    assert seen == ["kept", "new"]
    assert sorted(entry.name for entry in environment.iterdir()) == ["gone", "kept"]


def test_a_file_and_a_hostname_are_its_own(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("127.9.9.1 algo-1")

    assert output(View(files={"/etc/hosts": names}, hostname="algo-1"), "cat /etc/hosts; echo; uname -n") == [
        "127.9.9.1 algo-1",
        "algo-1",
    ]
    assert (Path("/etc/hosts").read_text(), socket.gethostname()) != (names.read_text(), "algo-1")


def test_a_view_that_cannot_be_is_said(tmp_path: Path) -> None:
    with start(View(binds={OPT_ML: tmp_path / "missing"}), "true") as process:
        assert process.stdout is not None
        assert process.stdout.read().decode() == f"Cannot lay out {OPT_ML}: No such file or directory.\n"
        assert process.wait() == 127


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_an_ordinary_user_has_them_too_and_stays_who_it_is(tmp_path: Path) -> None:
    work = folder(tmp_path / "work")
    for name in ("ml", "environment", "changes"):
        folder(work / name)
    subprocess.run(["chown", "-R", "65534:65534", work], check=True)
    # What belongs to root alone is shown to the other user at places it can reach.
    readable = View(
        binds={"/opt/w": work, "/opt/python": Path(sys.base_prefix), "/opt/guard": GUARD.parent}, directory="/opt/w"
    )
    python = Path("/opt/python/bin", Path(sys.executable).resolve().name)
    inner = f"--bind /opt/w/ml {OPT_ML} --overlay /opt/w/environment /opt/w/changes -- sh -c"
    script = f"id -u; touch {OPT_ML}/a /opt/w/environment/b; ls {OPT_ML} /opt/w/environment"
    as_nobody = f"{' '.join(NOBODY)} env LD_LIBRARY_PATH=/opt/python/lib"
    guard = f"mkfifo leash; exec <>leash; {as_nobody} {python} -IS /opt/guard/{GUARD.name}"

    seen = output(readable, f"{guard} {inner} '{script}'")

    assert seen == ["65534", "/opt/ml:", "a", "", "/opt/w/environment:", "b"]
    assert list((work / "environment").iterdir()) == []
    assert (work / "ml" / "a").stat().st_uid == 65534
