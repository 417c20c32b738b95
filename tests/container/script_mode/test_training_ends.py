"""How a script is run, and what is said of one that fails: the words and codes are AWS's toolkit's."""

from pathlib import Path

import pytest

from tests.container.script_mode.job import Job


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


def test_a_failure_that_the_script_has_told_is_kept(job: Job) -> None:
    job.files["train.py"] = f"open({str(job.base / 'output' / 'failure')!r}, 'w').write('mine'); raise SystemExit(1)"

    assert job.run("sklearn") == 1
    assert job.failure == "mine"


def test_packages_that_cannot_be_had(job: Job) -> None:
    job.files |= {"train.py": "", "requirements.txt": "./nothing-here\n"}

    assert job.run("sklearn") == 1
    assert job.failure.startswith("InstallRequirementsError:\nExitCode 1\n")


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
