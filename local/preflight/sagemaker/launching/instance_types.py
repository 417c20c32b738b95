"""How large an instance type is: ``ml.m5.large`` has 2 vCPUs and 8 GiB.

botocore knows the names only. A size means the same number of vCPUs in most families, and a family the same memory
for each of them; ``instance_types.json`` has both, and the types that do not follow the rule (vCPUs, GiB).
https://aws.amazon.com/ec2/instance-types/
"""

import functools
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

GIB = 1 << 30

_TYPE = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?P<size>[a-z0-9]+)")


@dataclass(frozen=True)
class InstanceSize:
    vcpus: int
    memory_bytes: int


@functools.cache
def _sizes() -> dict[str, Any]:
    sizes: dict[str, Any] = json.loads((files(__package__) / "instance_types.json").read_text())
    return sizes


def find_size(instance_type: str) -> InstanceSize | None:
    """The size of ``instance_type``, or None if it is not known here."""
    if exception := _sizes()["exceptions"].get(instance_type):
        vcpus, memory_gib = exception
        return InstanceSize(vcpus, int(memory_gib * GIB))
    match = _TYPE.fullmatch(instance_type)
    memory_gib = _sizes()["memory_gib_per_vcpu"].get(match["family"]) if match else None
    if match is None or memory_gib is None:
        return None
    multiple = re.fullmatch(r"(\d+)xlarge", match["size"])
    vcpus = 4 * int(multiple[1]) if multiple else _sizes()["vcpus"].get(match["size"])
    return InstanceSize(vcpus, int(vcpus * memory_gib * GIB)) if vcpus else None
