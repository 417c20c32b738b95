"""How large the instance types of AWS's lists are."""

import botocore.loaders
import pytest
from preflight.sagemaker.launching.instance_types import GIB, find_size


@pytest.mark.parametrize(
    ("instance_type", "vcpus", "memory_gib"),
    [
        ("ml.t3.medium", 2, 4),
        ("ml.m5.large", 2, 8),
        ("ml.m8g.medium", 1, 4),
        ("ml.c5.9xlarge", 36, 72),
        ("ml.r5.24xlarge", 96, 768),
        ("ml.g4dn.xlarge", 4, 16),
        ("ml.p4d.24xlarge", 96, 1152),
    ],
)
def test_a_type_has_the_size_aws_gives_it(instance_type: str, vcpus: int, memory_gib: int) -> None:
    size = find_size(instance_type)

    assert size is not None
    assert (size.vcpus, size.memory_bytes / GIB) == (vcpus, memory_gib)


def test_the_types_without_a_size_are_the_newest_accelerators() -> None:
    shapes = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")["shapes"]
    known = {*shapes["TrainingInstanceType"]["enum"], *shapes["ProductionVariantInstanceType"]["enum"]}

    families = {name.split(".")[1] for name in known if find_size(name) is None}

    assert families <= {"g7e", "p6-b200", "p6-b300", "p6e-gb200"}
