"""How large an instance type is: ``ml.m5.large`` has 2 vCPUs and 8 GiB.

botocore knows the names only. A size means the same number of vCPUs in most families, and a family the same
memory for each of them: https://aws.amazon.com/ec2/instance-types/
"""

import re
from dataclasses import dataclass

GIB = 1 << 30

_TYPE = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?P<size>[a-z0-9]+)")

# GiB of memory for each vCPU.
_MEMORY_GIB = {
    **dict.fromkeys(("t2", "t3", "m4", "m5", "m5d", "m6i", "m6id", "m6g", "m6gd", "m7i", "m8g", "g4dn", "g5", "g6"), 4),
    **dict.fromkeys(("c4",), 1.875),
    **dict.fromkeys(("c5", "c5d", "c6i", "c6id", "c6in", "c6g", "c6gd", "c7i", "c7g", "c8g", "inf1"), 2),
    **dict.fromkeys(("c5n", "c6gn"), 2.625),
    **dict.fromkeys(("r5", "r5d", "r6i", "r6id", "r6g", "r6gd", "r7i", "r7gd", "r8g", "g6e", "dl1"), 8),
    **dict.fromkeys(("p2",), 15.25),
    **dict.fromkeys(("p3",), 7.625),
    **dict.fromkeys(("inf2", "trn1", "trn1n"), 4),
}

_VCPUS = {"medium": 1, "large": 2, "xlarge": 4}

# What does not follow the rule: vCPUs and GiB.
_EXCEPTIONS = {
    "ml.t2.medium": (2, 4.0),
    "ml.t3.medium": (2, 4.0),
    "ml.inf1.6xlarge": (24, 48.0),
    "ml.p3dn.24xlarge": (96, 768.0),
    "ml.p4d.24xlarge": (96, 1152.0),
    "ml.p4de.24xlarge": (96, 1152.0),
    "ml.p5.4xlarge": (16, 256.0),
    **dict.fromkeys(("ml.p5.48xlarge", "ml.p5e.48xlarge", "ml.p5en.48xlarge", "ml.trn2.48xlarge"), (192, 2048.0)),
}


@dataclass(frozen=True)
class InstanceSize:
    vcpus: int
    memory_bytes: int


def find_size(instance_type: str) -> InstanceSize | None:
    """The size of ``instance_type``, or None if it is not known here."""
    if instance_type in _EXCEPTIONS:
        vcpus, memory_gib = _EXCEPTIONS[instance_type]
        return InstanceSize(vcpus, int(memory_gib * GIB))
    match = _TYPE.fullmatch(instance_type)
    if match is None or match["family"] not in _MEMORY_GIB:
        return None
    multiple = re.fullmatch(r"(\d+)xlarge", match["size"])
    found = 4 * int(multiple[1]) if multiple else _VCPUS.get(match["size"])
    return InstanceSize(found, int(found * _MEMORY_GIB[match["family"]] * GIB)) if found else None
