"""CloudWatch Logs holds while jobs and endpoints write and people read."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.local.conftest import Make, unique


def test_groups_are_described_while_others_make_streams(client: Make) -> None:
    logs: Any = client("logs")
    group = unique("/busy")
    logs.create_log_group(logGroupName=group)
    lines = [{"timestamp": int(time.time() * 1000), "message": "line"}] * 5_000
    for name in ("long", "longer"):  # counting their bytes takes a while
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        for _ in range(2):
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=lines)

    def make(number: int) -> None:
        logs.create_log_stream(logGroupName=group, logStreamName=f"stream-{number}")

    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(make, number) for number in range(100)]
        described = [threads.submit(logs.describe_log_groups, logGroupNamePrefix=group) for _ in range(10)]
        assert [call.exception() for call in (*made, *described) if call.exception()] == []
    logs.delete_log_group(logGroupName=group)
