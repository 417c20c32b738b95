"""The hosts of a training job, ``algo-1`` to ``algo-n``, and the configuration each finds below ``/opt/ml/input``.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from preflight.sagemaker.data.channels import Channel
from preflight.sagemaker.data.folder_sync import DEFAULT_CHECKPOINT_PATH

HOMOGENEOUS_GROUP = "homogeneousCluster"  # what AWS calls the only group of a job without InstanceGroups


@dataclass(frozen=True)
class Host:
    """One instance. ``folder`` is what its container sees as ``/opt/ml``."""

    name: str
    group: str
    instance_type: str
    folder: Path

    def gets(self, channel: Channel) -> bool:
        return not channel.groups or self.group in channel.groups


def make_hosts(resources: Mapping[str, Any], folder: Path) -> list[Host]:
    """The hosts ``ResourceConfig`` asks for, each with a folder of its own below ``folder``."""
    groups = resources.get("InstanceGroups") or [
        {
            "InstanceGroupName": HOMOGENEOUS_GROUP,
            "InstanceType": resources["InstanceType"],
            "InstanceCount": resources["InstanceCount"],
        }
    ]
    numbers = count(1)
    return [
        Host(name := f"algo-{next(numbers)}", group["InstanceGroupName"], group["InstanceType"], folder / name)
        for group in groups
        for _ in range(group["InstanceCount"])
    ]


def write_configuration(
    host: Host, hosts: Sequence[Host], request: Mapping[str, Any], channels: Iterable[Channel]
) -> None:
    """Make the folders ``host``'s container expects, and the files below input/config."""
    configuration = {
        "hyperparameters.json": request.get("HyperParameters", {}),
        "inputdataconfig.json": {channel.name: channel.configuration() for channel in channels if host.gets(channel)},
        "resourceconfig.json": _resource_configuration(host, hosts),
    }
    if checkpoints := request.get("CheckpointConfig"):
        local_path = checkpoints.get("LocalPath", DEFAULT_CHECKPOINT_PATH)
        configuration["checkpointconfig.json"] = {"LocalPath": local_path}
    folder = host.folder / "input" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in configuration.items():
        (folder / name).write_text(json.dumps(content))
    for output in ("model", "output/data"):
        (host.folder / output).mkdir(parents=True, exist_ok=True)


def _resource_configuration(host: Host, hosts: Sequence[Host]) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = {}
    for each in hosts:
        group = {"instance_group_name": each.group, "instance_type": each.instance_type, "hosts": []}
        groups.setdefault(each.group, group)["hosts"].append(each.name)
    return {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": sorted(each.name for each in hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": "eth0",
    }
