"""What a person sees: at a terminal within its width, in a file one line a step."""

import io

import pytest
from rich.console import Console

from aws.planning.plan import Call
from aws.report import Report

OPERATIONS = ("CreateBucket", "PutBucketTagging", "PutPublicAccessBlock", "PutBucketEncryption", "PutBucketPolicy")


def reported(console: Console) -> None:
    calls: list[Call] = []
    with Report(console, calls).step("Bucket") as step:
        step.result = "preflight-000000000000-us-east-1"
        calls.extend(Call("s3", operation, {}) for operation in OPERATIONS)


@pytest.mark.parametrize(("is_terminal", "lines"), [(True, 3), (False, 1)])
def test_a_step_with_many_calls_fits_a_terminal_and_is_one_line_of_a_file(is_terminal: bool, lines: int) -> None:
    output = io.StringIO()

    reported(Console(file=output, force_terminal=is_terminal, width=80))

    shown = [line for line in output.getvalue().splitlines() if any(name in line for name in OPERATIONS)]
    assert len(shown) == lines
    assert all(name in output.getvalue() for name in OPERATIONS)
    assert not is_terminal or max(map(len, shown)) <= 80
