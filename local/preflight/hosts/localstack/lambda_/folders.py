"""A function's folders, and how it sees them: /var/task, /opt and a /tmp of its own, where this machine allows that."""

from dataclasses import dataclass
from pathlib import Path

from preflight.function_runtimes import FunctionRuntime
from preflight.sagemaker.launching.process.guarded_process import AS_IT_IS, View
from preflight.sagemaker.launching.process.private_folders import private_folders

NODE_CLIENT = Path(__file__).with_name("node_client.mjs")
TASK, OPT, TMP = "/var/task", "/opt", "/tmp"


@dataclass(frozen=True, slots=True)
class Folders:
    """``task`` is the function's code, ``layers`` what is /opt on AWS, ``temporary`` its own /tmp."""

    task: Path
    layers: Path | None
    temporary: Path


def view_of(folders: Folders, runtime: FunctionRuntime, *, temporary_mebibytes: int) -> tuple[View, Folders]:
    """The view for the function's process, and where it finds its folders then.

    What the runtime itself needs is not covered: if it lies in /tmp, the function keeps the machine's /tmp, with a
    folder there; if in /opt, it sees the layers' folders beside it.
    """
    if private_folders().problem:
        return AS_IT_IS, folders
    binds = {TASK: folders.task}
    layers, temporary = folders.layers, folders.temporary
    if layers is not None:
        covers = not _needs(runtime, OPT)
        binds |= {OPT: layers} if covers else {f"{OPT}/{one.name}": one for one in layers.iterdir() if one.is_dir()}
        layers = Path(OPT)
    tmpfs = {}
    if not _needs(runtime, TMP):
        tmpfs[TMP] = temporary_mebibytes << 20
        temporary = Path(TMP)
    return View(binds=binds, tmpfs=tmpfs, directory=TASK), Folders(Path(TASK), layers, temporary)


def _needs(runtime: FunctionRuntime, folder: str) -> bool:
    made = runtime.environment.folder if runtime.environment else NODE_CLIENT
    places = (runtime.interpreter.path, made)
    return any(path.is_relative_to(folder) for place in places for path in (place, place.resolve()))
