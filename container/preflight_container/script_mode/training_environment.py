"""The variables a training script gets: SM_MODEL_DIR, SM_CHANNEL_TRAIN, SM_HP_EPOCHS and the rest.

https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from preflight_container.script_mode import hyperparameters
from preflight_container.script_mode.folders import Folders

DEFAULT_LOG_LEVEL = 20
MASTER_PORT = "7777"
DISTRIBUTIONS = (
    "sagemaker_torch_distributed_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_mpi_enabled",
)


class TrainingEnvironment:
    """What a job is, as its folders, hyperparameters and variables say.

    ``framework`` is ``sklearn``, ``pytorch`` or ``xgboost``, whose image has an older toolkit that tells less.
    """

    def __init__(self, folders: Folders, framework: str, environ: Mapping[str, str]) -> None:
        self.framework = framework
        self._folders = folders
        self._resources = folders.read("resourceconfig.json")
        self._channels = folders.read("inputdataconfig.json")
        everything = hyperparameters.decode(folders.read("hyperparameters.json"))
        self.hyperparameters, self._own = hyperparameters.split(everything)
        program = environ.get("SAGEMAKER_PROGRAM") or self._own.get("sagemaker_program")
        self.program: str | None = program or None
        self.source = environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or self._own.get("sagemaker_submit_directory")
        self._region = self._own.get("sagemaker_region") or environ.get("AWS_REGION")
        self._job_name = self._own.get("sagemaker_job_name") or environ.get("TRAINING_JOB_NAME") or ""
        level = environ.get("SAGEMAKER_CONTAINER_LOG_LEVEL") or self._own.get("sagemaker_container_log_level")
        self._log_level = int(level or DEFAULT_LOG_LEVEL)

    @property
    def arguments(self) -> list[str]:
        return hyperparameters.arguments(self.hyperparameters)

    @property
    def module(self) -> str:
        """``train`` of ``train.py``."""
        program = self.program or ""
        return program[: -len(".py")] if program.endswith(".py") else program

    def variables(self) -> dict[str, str]:
        """All of them, as the script gets them."""
        values = self._values()
        training = dict(values["training_env"])
        variables = {f"SM_{name.upper()}": value for name, value in values.items()}
        variables["SM_TRAINING_ENV"] = training
        for channel, folder in training["channel_input_dirs"].items():
            variables[f"SM_CHANNEL_{channel.upper()}"] = folder
        for name, value in self.hyperparameters.items():
            variables[f"SM_HP_{name.upper()}"] = value
        plain = {"CURRENT_HOST": self._current_host, "SAGEMAKER_REGION": self._region or ""}
        if self.framework != "xgboost":
            plain["SAGEMAKER_JOB_NAME"] = self._job_name
        if self.framework == "pytorch":
            plain.update(self._of_pytorch(values["hosts"], values["network_interface_name"]))
        return {name: hyperparameters.as_variable(value) for name, value in {**variables, **plain}.items()}

    @property
    def distribution(self) -> str | None:
        """The setting of a distribution that PyTorch's image starts by itself; None if there is none."""
        return next((name for name in DISTRIBUTIONS if self._own.get(name)), None)

    @staticmethod
    def _of_pytorch(hosts: list[str], network: str) -> dict[str, str]:
        """What torch.distributed looks for."""
        nccl = {"NCCL_SOCKET_IFNAME": network, "NCCL_IB_DISABLE": "1", "NCCL_DEBUG": "WARN"}
        return {"MASTER_ADDR": hosts[0], "MASTER_PORT": MASTER_PORT, **nccl}

    @property
    def _current_host(self) -> str:
        return str(self._resources.get("current_host", "algo-1"))

    def _values(self) -> dict[str, Any]:
        folders = self._folders
        hosts = self._resources.get("hosts", [self._current_host])
        network = self._resources.get("network_interface_name", "eth0")
        framework_module = f"sagemaker_{self.framework}_container.training:main"
        extra = {name: value for name, value in self._own.items() if hyperparameters.is_of_framework(name)}
        channels = {name: str(folders.data / name) for name in self._channels}
        cpus = os.cpu_count() or 1
        groups = self._groups(hosts)
        shared = {
            "hosts": hosts,
            "network_interface_name": network,
            "num_cpus": cpus,
            "num_gpus": 0,
            "model_dir": str(folders.model),
            "input_dir": str(folders.input),
            "input_config_dir": str(folders.configuration),
            "output_dir": str(folders.output),
            "output_data_dir": str(folders.output_data),
            "output_intermediate_dir": str(folders.intermediate),
            "resource_config": self._resources,
            "input_data_config": self._channels,
            "framework_module": framework_module,
            "log_level": self._log_level,
            "module_name": self.module,
            "module_dir": self.source,
            "current_host": self._current_host,
            **groups,
        }
        training = {
            "additional_framework_parameters": extra,
            "channel_input_dirs": channels,
            "hyperparameters": self.hyperparameters,
            "is_master": self._current_host == hosts[0],
            "job_name": self._job_name,
            "master_hostname": hosts[0],
            "user_entry_point": self.program,
            **shared,
        }
        if self.framework != "xgboost":
            training["distribution_hosts"] = []
            training["is_modelparallel_enabled"] = None
            training["is_smddpmprun_installed"] = False
            training["is_smddprun_installed"] = False
            training["topology"] = []
        return {
            **shared,
            "user_entry_point": self.program,
            "user_args": self.arguments,
            "hps": self.hyperparameters,
            "channels": sorted(channels),
            "framework_params": extra,
            "training_env": training,
        }

    def _groups(self, hosts: list[str]) -> dict[str, Any]:
        """What the newer toolkit says of instances."""
        if self.framework == "xgboost":
            return {}
        entries = self._resources.get("instance_groups") or []
        by_name = {entry["instance_group_name"]: entry for entry in entries}
        current = self._resources.get("current_group_name", "homogeneousCluster")
        return {
            "num_neurons": 0,
            "current_instance_type": self._resources.get("current_instance_type", "local"),
            "current_instance_group": current,
            "current_instance_group_hosts": by_name.get(current, {}).get("hosts", hosts),
            "instance_groups": list(by_name),
            "instance_groups_dict": by_name,
            "distribution_instance_groups": [],
            "is_hetero": len(by_name) > 1,
        }
