"""What holds for both images: how they are built, and that they need nothing of the world once they are."""

import shutil
from pathlib import Path

import pytest

from tests.docker.conftest import inspect, run
from tests.local.conftest import unique

pytestmark = pytest.mark.docker


def test_a_code_change_rebuilds_the_last_layer_only(checkout: Path, images: dict[str, str], tmp_path: Path) -> None:
    copy = shutil.copytree(checkout, tmp_path / "changed")
    with (copy / "container/preflight_container/log.py").open("a") as module:
        module.write("# changed\n")
    changed = {name: f"{image}-{unique('changed')}" for name, image in images.items()}

    run("docker", "compose", "build", cwd=copy, env=changed)

    for name, image in images.items():
        *layers, last = inspect(image)["RootFS"]["Layers"]
        *layers_after, last_after = inspect(changed[name])["RootFS"]["Layers"]
        run("docker", "rmi", changed[name])
        assert layers_after == layers and last_after != last


def test_the_stack_trains_and_serves_without_a_network(images: dict[str, str]) -> None:
    stack = unique("offline")
    run("docker", "run", "-d", "--init", "--network", "none", "--name", stack, images["PREFLIGHT_STACK_IMAGE"])
    try:
        health = inspect(stack)["Config"]["Healthcheck"]["Test"][1:]
        wait = "until preflight status >/dev/null; do sleep 0.2; done"
        flow = "python -m data_prep && python aws/deploy.py && python aws/predict.py --rows 5"

        said = run("docker", "exec", stack, "timeout", "90", "sh", "-c", f"{wait}; {flow}")

        assert "5 test rows through the URL" in said
        run("docker", "exec", stack, *health)
    finally:
        run("docker", "stop", "--time", "60", stack)
        exit_code = inspect(stack)["State"]["ExitCode"]
        run("docker", "rm", stack)
    assert exit_code == 0
