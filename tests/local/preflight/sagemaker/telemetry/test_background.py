"""A writer in the background ends when it is closed."""

import threading

import pytest
from preflight.sagemaker.telemetry.background import BackgroundWriter


@pytest.mark.parametrize("items", [[], [1]], ids=["nothing to write", "more may come"])
def test_a_closed_writer_leaves_no_thread(items: list[int]) -> None:
    writer: BackgroundWriter[int] = BackgroundWriter(
        "closing", lambda _: None, interval_seconds=3600, max_batch=10, max_queued=10
    )
    thread = next(thread for thread in threading.enumerate() if thread.name == "sagemaker-closing")
    for item in items:
        writer.put(item)

    writer.close()

    thread.join(30)
    assert not thread.is_alive()
