from preflight.waiting import wait_until


def test_the_first_true_result_ends_the_wait() -> None:
    results = iter([0, 0, 7, 8])

    assert wait_until(lambda: next(results), timeout_seconds=3600, interval_seconds=0) == 7


def test_it_is_asked_at_least_once_and_the_last_result_returned() -> None:
    asked: list[int] = []

    assert not wait_until(lambda: asked.append(1), timeout_seconds=0, interval_seconds=3600)
    assert asked == [1]
