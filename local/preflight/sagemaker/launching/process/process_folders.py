"""The folders of one process: its /opt/ml, and what it changes in folders of others, which goes with it."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.launching.process.guarded_process import AS_IT_IS, View
from preflight.sagemaker.launching.process.private_folders import OPT_ML, private_folders
from preflight.sagemaker.launching.programs import Program

HOSTS = "/etc/hosts"


@dataclass(frozen=True, kw_only=True)
class ProcessFolders:
    """``base`` is the path of its /opt/ml, ``variables`` tell it, ``view`` shows it. ``scratch`` is its own.

    ``packages`` is where its pip installs to, if it cannot have the environment to itself.
    """

    base: str
    view: View = AS_IT_IS
    variables: Mapping[str, str] = field(default_factory=dict)
    scratch: Path
    packages: str = ""

    @classmethod
    def make(cls, spec: ContainerSpec, program: Program) -> "ProcessFolders":
        """For ``spec``; what it changes in the environment and the folder of ``program`` is seen by itself only.

        Where several containers are over one folder, which they may read only, each has the rest for itself.
        """
        scratch = spec.folder.parent / f"{spec.folder.name}-{uuid.uuid4().hex[:8]}"
        private = private_folders()
        shared = (*spec.read_only, *spec.filled)
        folder = scratch / "ml" if shared else spec.folder
        folder.mkdir(parents=True, exist_ok=True)
        binds = {OPT_ML: folder, **{f"{OPT_ML}/{name}": spec.folder / name for name in shared}}
        overlays, packages, variables = {}, "", {}
        if not private.overlay_problem:
            own = {"environment": program.environment and program.environment.folder, "program": program.folder}
            overlays = {folder: scratch / name for name, folder in own.items() if folder}
        elif program.environment:
            packages = str(scratch / "packages")
            variables["PIP_TARGET"] = packages
        for new in (*overlays.values(), *((Path(packages),) if packages else ())):
            new.mkdir(parents=True)
        if not private.problem:
            for name in shared:
                (folder / name).mkdir()
            view = View(
                binds=binds,
                overlays=overlays,
                files={HOSTS: _hosts_file(spec, scratch)} if spec.hosts else {},
                hostname=spec.hostname,
                directory=str(program.folder or OPT_ML),
            )
            return cls(base=OPT_ML, view=view, variables=variables, scratch=scratch, packages=packages)
        for name in shared:
            (folder / name).symlink_to(spec.folder / name)
        variables["SAGEMAKER_BASE_DIR"] = str(folder)
        return cls(base=str(folder), variables=variables, scratch=scratch, packages=packages)

    def remove(self) -> None:
        """The process has ended."""
        if self.scratch.exists():
            remove_folder(self.scratch)


def _hosts_file(spec: ContainerSpec, scratch: Path) -> Path:
    """This machine's names, and before them those of the container's network, each with an address here.

    Linux answers at all of 127.0.0.0/8. The network's name chooses the addresses, so that two jobs' hosts may listen
    on the same ports.
    """
    first, second = hashlib.sha256((spec.network or str(spec.folder)).encode()).digest()[:2]
    network = f"127.{first or 1}.{second}"  # not that of localhost
    names = [f"{network}.{place} {name}" for place, name in enumerate(spec.hosts, start=1)]
    scratch.mkdir(exist_ok=True)
    file = scratch / "hosts"
    file.write_text("\n".join([*names, Path(HOSTS).read_text()]))
    return file
