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

    What the runtime itself needs stays in sight: if it lies below /tmp, the function sees those folders in its own; if
    below /opt, the layers' folders lie beside it.
    """
    if private_folders().problem:
        return AS_IT_IS, folders
    binds = {TASK: folders.task, **{str(path): path for path in _needed(runtime, TMP)}}
    layers = folders.layers
    if layers is not None:
        covers = not _needed(runtime, OPT)
        binds |= {OPT: layers} if covers else {f"{OPT}/{one.name}": one for one in layers.iterdir() if one.is_dir()}
        layers = Path(OPT)
    read_only = [path for path in binds if not path.startswith(f"{TMP}/")]
    view = View(binds=binds, tmpfs={TMP: temporary_mebibytes << 20}, read_only=read_only, directory=TASK)
    return view, Folders(Path(TASK), layers, Path(TMP))


def _needed(runtime: FunctionRuntime, folder: str) -> set[Path]:
    """The folders below ``folder`` without which the runtime does not run: the interpreter's, and what was made."""
    made = runtime.environment.folder if runtime.environment else NODE_CLIENT.parent
    places = (runtime.interpreter.path.parent.parent, made)
    return {path for place in places for path in (place, place.resolve()) if path.is_relative_to(folder)}
