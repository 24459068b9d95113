"""Concurrent requests gathered into batches."""

from __future__ import annotations

import time

import anyio
import anyio.from_thread

from purpcode.models.gather import Gatherer


def run_all(gather: Gatherer[int, int], items: list[int], pause_s: float = 0.0) -> list[object]:
    results: list[object] = [None] * len(items)

    async def one(row: int, item: int) -> None:
        try:
            results[row] = await gather(item)
        except RuntimeError as error:
            results[row] = error

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for row, item in enumerate(items):
                group.start_soon(one, row, item)
                await anyio.sleep(pause_s)

    anyio.run(main)
    return results


def test_requests_that_wait_together_are_one_batch_and_get_their_own_results() -> None:
    batches: list[list[int]] = []

    def double(items: list[int]) -> list[int]:
        batches.append(list(items))
        return [2 * item for item in items]

    items = list(range(50))
    assert run_all(Gatherer(double, window_s=5.0, expected=50), items) == [2 * i for i in items]
    assert batches == [items]


def test_the_expected_number_ends_the_wait_at_once() -> None:
    started = time.monotonic()
    run_all(Gatherer(lambda items: items, window_s=30.0, expected=3), [1, 2, 3])
    assert time.monotonic() - started < 5


def test_silence_ends_the_wait_when_the_number_is_unknown() -> None:
    sizes: list[int] = []

    def note(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    assert run_all(Gatherer(note, window_s=0.05), [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert sizes == [4]


def test_requests_that_come_during_a_batch_form_the_next() -> None:
    sizes: list[int] = []

    def slow(items: list[int]) -> list[int]:
        sizes.append(len(items))
        time.sleep(0.2)
        return items

    gather = Gatherer(slow, window_s=0.01)
    assert run_all(gather, [1, 2, 3, 4], pause_s=0.03) == [1, 2, 3, 4]
    assert sum(sizes) == 4
    assert len(sizes) == 2


def test_a_failing_batch_fails_each_of_its_requests_and_not_the_next() -> None:
    calls = 0

    def fail_once(items: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("broken")
        return items

    gather = Gatherer(fail_once, window_s=0.02)
    assert all("broken" in str(result) for result in run_all(gather, [1, 2]))
    assert run_all(gather, [3]) == [3]


def test_a_batch_that_answers_short_is_a_failure() -> None:
    gather: Gatherer[int, int] = Gatherer(lambda items: items[:1], window_s=0.02)
    assert all(isinstance(result, RuntimeError) for result in run_all(gather, [1, 2]))


def test_a_cancelled_leader_releases_the_others() -> None:
    gather: Gatherer[int, int] = Gatherer(lambda items: items, window_s=60.0)
    seen: list[str] = []

    async def follower() -> None:
        try:
            await gather(2)
        except RuntimeError as error:
            seen.append(str(error))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(0.1):
                group.start_soon(follower)
                await gather(1)

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(main)
    assert len(seen) == 1
