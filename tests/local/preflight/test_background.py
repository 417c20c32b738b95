"""A writer in the background ends when it is closed."""

import threading

import pytest

from preflight.background import BackgroundWriter


@pytest.mark.parametrize("items", [[], [1]], ids=["nothing to write", "more may come"])
def test_a_closed_writer_leaves_no_thread(items: list[int]) -> None:
    writer: BackgroundWriter[int] = BackgroundWriter(
        "closing", lambda _: None, interval_seconds=3600, max_batch=10, max_queued=10
    )
    thread = next(thread for thread in threading.enumerate() if thread.name == "write-closing")
    for item in items:
        writer.put(item)

    writer.close()

    thread.join(30)
    assert not thread.is_alive()


def test_a_finished_writer_writes_what_it_has_and_leaves_no_thread() -> None:
    written: list[int] = []
    writer: BackgroundWriter[int] = BackgroundWriter(
        "finishing", written.extend, interval_seconds=0, max_batch=1, max_queued=10
    )
    thread = next(thread for thread in threading.enumerate() if thread.name == "write-finishing")
    for item in range(3):
        writer.put(item)

    writer.finish()

    thread.join(10)
    assert (written, thread.is_alive()) == ([0, 1, 2], False)
