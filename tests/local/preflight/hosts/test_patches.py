"""What of LocalStack is mended fits the LocalStack that is installed, or the stack does not start."""

import pytest
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.logs import provider
from localstack.utils.patch import Patch
from preflight.hosts.localstack.patches import apply


def test_a_mend_whose_target_is_gone_ends_the_start_with_its_name() -> None:
    with pytest.raises(LocalstackExit, match=r"'serial_logs' does not fit this LocalStack: .*no_such_function") as end:
        apply("serial_logs", lambda: [Patch(provider, "no_such_function", print)])

    assert end.value.code == 1
