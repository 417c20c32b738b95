"""How a script is run, and what is said of one that fails: the words and codes are AWS's toolkit's."""

import functools
import gzip
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from preflight.function_runtimes import interpreters
from tests.container.script_mode.job import Job


@functools.cache
def without_filters() -> str | None:
    """A Python here whose tarfile has no filters: they came with later releases of each version."""
    ask = "import sys, tarfile; sys.exit(hasattr(tarfile, 'data_filter'))"
    pythons = (str(each.path) for each in interpreters() if each.kind == "python")
    return next((each for each in pythons if subprocess.run([each, "-c", ask]).returncode == 0), None)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_script_that_ends_with_a_code(job: Job) -> None:
    job.files["train.py"] = "import sys; sys.exit(3)"

    assert job.run("sklearn", C=0.5) == 1
    first, code, message, command = job.failure.split("\n")
    assert (first, code, message) == ("ExecuteUserScriptError:", "ExitCode 3", 'ErrorMessage ""')
    assert command.startswith('Command "') and command.endswith('train.py -C 0.5"')


def test_a_script_that_is_killed_has_run_out_of_memory(job: Job) -> None:
    job.files["train.py"] = "import os; os.kill(os.getpid(), 9)"

    assert job.run("sklearn") == 1
    assert (
        'ExitCode 137\nErrorMessage ""\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"\n' in job.failure
    )


def test_xgboosts_older_toolkit_says_less(job: Job) -> None:
    job.files["train.py"] = "import sys; sys.exit(3)"

    assert job.run("xgboost", C=0.5) == 1
    assert job.failure.startswith('ExecuteUserScriptError:\nCommand "')
    assert job.failure.endswith('-m train -C 0.5"')


def test_pytorchs_toolkit_tells_the_exception(job: Job) -> None:
    job.files["train.py"] = "import sys\nprint('careful', file=sys.stderr)\nraise ValueError('no such number')"

    assert job.run("pytorch", epochs=1) == 1
    _, code, message, *rest = job.failure.split("\n")
    assert code == "ExitCode 1" and message.startswith('ErrorMessage "') and "careful" not in job.failure
    assert "ValueError: no such number" in job.failure
    assert rest[-1].endswith('train.py --epochs 1"')


def test_pytorchs_hosts_meet_at_the_first(job: Job) -> None:
    job.files["train.py"] = (
        "import os; assert (os.environ['MASTER_ADDR'], os.environ['MASTER_PORT']) == ('algo-1', '7777')"
    )

    assert job.run("pytorch") == 0, job.failure


def test_what_pytorchs_image_would_start_by_torchrun_is_refused(job: Job) -> None:
    job.files["train.py"] = ""

    assert job.run("pytorch", sagemaker_torch_distributed_enabled=True) == 1
    assert "sagemaker_torch_distributed_enabled" in job.failure and "not supported by Preflight" in job.failure


@pytest.mark.parametrize("has_filters", [True, False], ids=["new", "old"])
@pytest.mark.parametrize("kind", ["name", "absolute", "link", "hard link", "through a link", "device"])
def test_a_source_archive_writes_nothing_outside(job: Job, kind: str, has_filters: bool) -> None:
    python = sys.executable if has_filters else without_filters()
    if python is None:
        pytest.skip("every Python here has filters of archives")
    outside, archive = job.base / "outside", job.base / "source.tar.gz"
    outside.mkdir()
    members = {
        "name": [tarfile.TarInfo("../outside/there")],
        "absolute": [tarfile.TarInfo(str(outside / "there"))],
        "link": [_link("there", "../outside", tarfile.SYMTYPE)],
        "hard link": [_link("there", "../input/config/hyperparameters.json", tarfile.LNKTYPE)],
        "through a link": [_link("to", str(outside), tarfile.SYMTYPE), tarfile.TarInfo("to/there")],
        "device": [_link("there", "", tarfile.CHRTYPE)],
    }
    with tarfile.open(archive, "w:gz") as tar:
        for member in (tarfile.TarInfo("train.py"), *members[kind]):
            tar.addfile(member)

    code = Job(job.base, python=python).run("sklearn", sagemaker_submit_directory=str(archive))

    assert list(outside.iterdir()) == []
    assert not (job.base / "code" / "there").exists()
    assert code == 1 or kind == "absolute"  # whose leading slash a filter takes away


def _link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_a_failure_that_the_script_has_told_is_kept(job: Job) -> None:
    job.files["train.py"] = f"open({str(job.base / 'output' / 'failure')!r}, 'w').write('mine'); raise SystemExit(1)"

    assert job.run("sklearn") == 1
    assert job.failure == "mine"


def test_packages_that_cannot_be_had(job: Job) -> None:
    job.files |= {"train.py": "", "requirements.txt": "./nothing-here\n"}

    assert job.run("sklearn") == 1
    assert job.failure.startswith("InstallRequirementsError:\nExitCode 1\n")


@pytest.mark.parametrize("line", ["{path}", "-e {path}", "own @ file://{path}", "../../own", "--find-links={path}"])
def test_packages_of_this_machine_are_not_the_containers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    job, own = Job(tmp_path / "ml"), tmp_path / "own"
    (own / "own").mkdir(parents=True)
    (own / "setup.py").write_text("import setuptools; setuptools.setup(name='own')")
    job.files |= {"train.py": "", "requirements.txt": line.format(path=own) + "\n"}

    assert job.run("sklearn") == 1
    assert job.failure.startswith("InstallRequirementsError:\nExitCode 1\n")
    assert "which is this machine's: the container on AWS has no such file." in capfd.readouterr().out


def test_a_source_that_is_larger_than_any_volume(job: Job) -> None:
    archive = job.base / "source.tar.gz"
    member = tarfile.TarInfo("train.py")
    member.size = 1 << 40
    with gzip.open(archive, "wb") as file:
        file.write(member.tobuf())

    assert job.run("sklearn", sagemaker_submit_directory=str(archive)) == 1
    assert "There is no room for 'train.py'" in job.failure


@pytest.mark.parametrize("program", ["../outside", "{outside}", "link"])
def test_a_command_outside_the_source_is_left_as_it_is(job: Job, program: str) -> None:
    outside = job.base / "outside"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o600)
    (job.base / "code").mkdir()
    (job.base / "code" / "link").symlink_to(outside)

    assert job.run("sklearn", sagemaker_program=program.format(outside=outside)) == 1
    assert outside.stat().st_mode & 0o777 == 0o600
    assert "is not in the job's source" in job.failure


@pytest.mark.parametrize(
    "odd",
    [
        {"nothing\0": 1},
        {"value": "\0"},
        {"value": "\ud800"},
        {"": 1},
        {"a=b": 1},
        {"sagemaker_program": 5},
        {"sagemaker_program": ["train.py"]},
        {"sagemaker_program": "\ud800.py"},
        {"sagemaker_program": "code\0.py"},
        {"sagemaker_submit_directory": {"no": "folder"}},
        {"sagemaker_container_log_level": "loud"},
        {"sagemaker_job_name": [1]},
    ],
    ids=ascii,
)
def test_odd_hyperparameters_end_in_a_failure_that_is_told_or_not_at_all(job: Job, odd: dict[str, Any]) -> None:
    job.files["train.py"] = ""

    code = job.run("sklearn", **odd)

    assert (job.base / "output" / ("failure" if code else "success")).exists()


def test_a_source_that_is_no_archive(job: Job) -> None:
    broken = job.base / "broken.tar.gz"
    broken.write_bytes(b"this is no archive")

    assert job.run("sklearn", sagemaker_submit_directory=str(broken)) == 1
    assert job.failure.startswith("Framework Error: \nTraceback")
    assert "ReadError" in job.failure


def test_no_script(job: Job) -> None:
    job.files["train.py"] = ""

    assert job.run("sklearn", sagemaker_program="") == 1
    assert "The job names no script: set the hyperparameter sagemaker_program" in job.failure


def test_a_shell_script_is_run_where_it_lies(job: Job) -> None:
    job.files["train.sh"] = '#!/bin/sh\necho "$@" >"$SM_MODEL_DIR/told"; ls >>"$SM_MODEL_DIR/told"\n'

    assert job.run("sklearn", sagemaker_program="train.sh", words="a b") == 0
    assert (job.base / "model" / "told").read_text() == "--words a b\ntrain.sh\n"
    assert (job.base / "output" / "success").exists()


def test_a_source_folder_is_brought_and_its_modules_are_found(job: Job) -> None:
    folder = job.base / "input" / "data" / "code"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("TEXT = 'found'")
    (folder / "train.py").write_text(
        "import os, package; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write(package.TEXT)"
    )

    for framework in ("sklearn", "xgboost"):
        assert job.run(framework, sagemaker_submit_directory=str(folder)) == 0
        assert (job.base / "model" / "m").read_text() == "found"


def test_what_examples_import_of_awss_toolkit_is_there(job: Job) -> None:
    job.files["train.py"] = (
        "from sagemaker_containers.beta.framework import content_types, encoders, env, modules, transformer, worker\n"
        "from sagemaker_xgboost_container import encoder\n"
        "assert encoders.array_to_json(encoders.csv_to_numpy('1,2', int)) == '[1, 2]'\n"
        "assert worker.Response('x', mimetype=content_types.CSV).mimetype == 'text/csv'\n"
        "assert encoder.libsvm_to_dmatrix('1 1:2').num_col() == 1\n"
    )

    assert job.run("sklearn") == 0
