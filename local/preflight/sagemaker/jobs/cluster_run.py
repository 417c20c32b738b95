"""The containers of a job while they run, with what goes in from S3 and what is kept in step with it.

Training and processing differ in what they launch and what they make of the end.
"""

from collections.abc import Callable, Sequence

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.folder_sync import FolderSync
from preflight.sagemaker.data.inputs import Inputs
from preflight.sagemaker.jobs.cluster import Cluster, Exit, Host
from preflight.sagemaker.launching.container import ContainerSpec


class ClusterRun:
    """``services`` are the job's role's."""

    def __init__(self, context: ServiceContext, services: Clients, scope: Scope) -> None:
        self._context = context
        self._cluster = Cluster(context.launcher.launch)
        self._syncs: list[FolderSync] = []
        self.inputs = Inputs(services, scope, self._input_failed)
        self.terminate = self._cluster.terminate
        self.unsaved: ArtifactError | None = None  # why a folder is not in S3 as it was at the end

    def launch(self, host: Host, spec: ContainerSpec, syncs: Sequence[FolderSync]) -> None:
        """Start the container of ``host``, feed its pipes, and follow the folders that ``syncs`` have of it."""
        container = self._cluster.launch(host, spec)
        self.inputs.start(host.folder, container)
        for sync in syncs:
            sync.start(container)
            self._syncs.append(sync)

    def run(self, launch: Callable[[Host], None], hosts: Sequence[Host], limit_seconds: float) -> Exit:
        """Launch on every host, and see all to their end; nothing runs, is read or written any more then.

        Raises:
            ArtifactError: an input could not be read while they ran.
        """
        try:
            for host in hosts:
                launch(host)
            ended = self._cluster.watch(limit_seconds)
        finally:
            self._cluster.end()
            self.inputs.join()
            self._finish_syncs()
            self._context.logs.flush()  # whoever sees the job's end finds its log whole
        self.inputs.require_read()
        return ended

    def _finish_syncs(self) -> None:
        for sync in self._syncs:
            try:
                sync.finish()
            except ArtifactError as error:
                self.unsaved = error

    def _input_failed(self) -> None:
        """End at once: what has come may not pass for the whole."""
        self._cluster.terminate(0)
        self._cluster.end()
