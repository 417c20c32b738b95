"""Processes or containers: which launcher runs an image, by the setting, the image, and whether Docker is there."""

import threading
from typing import TYPE_CHECKING

from preflight.sagemaker.api.errors import UnsupportedByPreflight, ValidationException
from preflight.sagemaker.launching.container import Container, ContainerSpec, Launcher
from preflight.sagemaker.launching.declared_images import DeclaredImages
from preflight.sagemaker.launching.framework_images import framework_of
from preflight.sagemaker.launching.images import require_same_region
from preflight.sagemaker.launching.process.launcher import ProcessLauncher
from preflight.sagemaker.launching.programs import Programs
from preflight.sagemaker.settings import Settings

if TYPE_CHECKING:
    from preflight.sagemaker.launching.docker.launcher import DockerLauncher


class DispatchingLauncher:
    """Gives each container to the launcher that runs its image.

    ``PREFLIGHT_LAUNCHER=process``: an image with a program runs as a process, any other image in Docker.
    ``PREFLIGHT_LAUNCHER=docker``: everything runs in Docker; without an engine the programs still run, as processes.

    The Docker SDK is imported, and the engine asked, when it is needed and not before.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        declared = DeclaredImages(settings.images_folder) if settings.images_folder else None
        self._programs = Programs(settings.framework_versions, declared)
        self._processes = ProcessLauncher(self._programs)
        self._docker: DockerLauncher | None = None
        self._connecting = threading.Lock()

    def require_image(self, image: str, region: str, *, script: bool = False) -> None:
        try:
            self._launcher_of(image, region, script).require_image(image, region, script=script)
        except ValidationException:
            if framework_of(image, region):
                self._programs.require(image, region, script=script)  # says which versions run without Docker
            raise

    def warning(self, image: str, region: str, *, script: bool = False) -> str:
        return self._launcher_of(image, region, script).warning(image, region, script=script)

    def launch(self, spec: ContainerSpec) -> Container:
        return self._launcher_of(spec.image, spec.region, spec.script).launch(spec)

    def fallback(self) -> str | None:
        """Connects to Docker if everything is to run there."""
        if self._settings.launcher != "docker":
            return None
        docker = self._find_docker()
        if not isinstance(docker, str):
            return None
        return f"PREFLIGHT_LAUNCHER is docker, but {docker}. The built-in algorithms run as processes instead."

    def limitation(self) -> str | None:
        return self._processes.limitation()

    def close(self) -> None:
        self._processes.close()
        with self._connecting:
            if self._docker:
                self._docker.close()

    def _launcher_of(self, image: str, region: str, script: bool) -> Launcher:
        has_program = self._programs.find(image, region, script=script) is not None
        if has_program and self._settings.launcher == "process":
            return self._processes
        require_same_region(image, region)
        docker = self._find_docker()
        if not isinstance(docker, str):
            return docker
        if has_program:
            return self._processes
        if framework_of(image, region):
            self._programs.require(image, region, script=script)  # says which versions there are
        raise UnsupportedByPreflight(
            f"Image {image}, which is neither a built-in algorithm's nor a framework's in {region}, runs in Docker, "
            f"and {docker}. Start a Docker engine (or set DOCKER_HOST), or declare its program (preflight images add); "
            "running other images without one"
        )

    def _find_docker(self) -> "DockerLauncher | str":
        """The Docker launcher, or why there is none; asked again each time until there is one."""
        with self._connecting:
            if self._docker is None:
                from preflight.sagemaker.launching.docker.engine import Engine, EngineError
                from preflight.sagemaker.launching.docker.launcher import create_docker_launcher

                try:
                    self._docker = create_docker_launcher(Engine.connect(), self._settings)
                except EngineError as error:
                    return str(error)
            return self._docker
