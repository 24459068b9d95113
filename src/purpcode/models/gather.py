"""Concurrent single requests gathered into few batch calls, each run in a worker thread."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class _Waiting(Generic[T, R]):
    item: T
    done: anyio.Event = field(default_factory=anyio.Event)
    result: list[R] = field(default_factory=list)
    error: BaseException | None = None


class Gatherer(Generic[T, R]):
    """Awaits like a function of one item, works like a function of many.

    The first request of a batch leads it: it waits until `expected` requests are in hand, or
    until none came for `window_s` seconds, then runs `run` once over all of them. One batch runs
    at a time; requests that come meanwhile form the next one.
    """

    def __init__(
        self, run: Callable[[list[T]], list[R]], *, window_s: float, expected: int | None = None
    ) -> None:
        self._run = run
        self._window_s = window_s
        self._expected = expected
        self._waiting: list[_Waiting[T, R]] = []
        self._turn = anyio.Lock()

    async def __call__(self, item: T) -> R:
        """The result for one item, or whatever `run` raised for its batch."""
        entry = _Waiting[T, R](item)
        self._waiting.append(entry)
        if len(self._waiting) == 1:
            await self._lead()
        else:
            await entry.done.wait()
        if entry.error is not None:
            raise RuntimeError(f"the batch failed: {entry.error}") from entry.error
        return entry.result[0]

    async def _lead(self) -> None:
        batch = self._waiting
        try:
            async with self._turn:
                await self._gather()
                batch, self._waiting = self._waiting, []
                items = [entry.item for entry in batch]
                # A fresh context: a model that `run` calls must not write into the transcript of
                # the sample that happens to lead the batch.
                call = partial(contextvars.Context().run, self._run, items)
                for entry, result in zip(batch, await anyio.to_thread.run_sync(call), strict=True):
                    entry.result.append(result)
        except BaseException as error:  # also a cancelled leader must release the others
            if self._waiting is batch:
                self._waiting = []
            for entry in batch:
                entry.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for entry in batch:
                entry.done.set()

    async def _gather(self) -> None:
        seen = 0
        while len(self._waiting) > seen and len(self._waiting) != self._expected:
            seen = len(self._waiting)
            # Slept in slices, so that reaching the expected number ends the wait at once.
            with anyio.move_on_after(self._window_s):
                while len(self._waiting) != self._expected:
                    await anyio.sleep(min(0.01, self._window_s))
