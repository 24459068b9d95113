"""Chunks, workers and poison snippets, without tools."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.analyzer import AnalysisResult, Snippet
from purpcode.analyzers.batch import SNIPPETS_PER_RUN, ToolFault, balanced_chunks, run_batched

line_counts = st.lists(st.integers(0, 40), max_size=40)


def of_lines(counts: Sequence[int]) -> list[Snippet]:
    return [Snippet(str(row), "x\n" * count) for row, count in enumerate(counts)]


@given(line_counts, st.integers(1, 6))
def test_chunks_hold_every_row_once_and_none_is_empty(counts: list[int], parts: int) -> None:
    chunks = balanced_chunks(of_lines(counts), parts)
    assert sorted(row for chunk in chunks for row in chunk) == list(range(len(counts)))
    assert all(chunks)
    assert len(chunks) <= parts


@given(line_counts, st.integers(1, 6))
def test_chunk_loads_differ_by_at_most_the_longest_snippet(counts: list[int], parts: int) -> None:
    chunks = balanced_chunks(of_lines(counts), parts)
    loads = [sum(counts[row] + 1 for row in chunk) for chunk in chunks]
    loads += [0] * (parts - len(chunks))
    assert max(loads) - min(loads) <= max((count + 1 for count in counts), default=0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 3))
def test_exactly_the_poison_snippets_are_errors_and_order_is_kept(
    poison: list[bool], workers: int
) -> None:
    def run_once(snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        if any(snippet.code == "poison" for snippet in snippets):
            raise ToolFault("crashed")
        return [AnalysisResult(snippet.id) for snippet in snippets]

    snippets = [Snippet(str(row), "poison" if bad else "ok") for row, bad in enumerate(poison)]
    results = run_batched(run_once, snippets, workers=workers, timeout_s=60)
    assert [result.snippet_id for result in results] == [snippet.id for snippet in snippets]
    assert [result.error is not None for result in results] == poison


def test_tool_that_never_works_is_not_run_once_per_snippet() -> None:
    runs: list[int] = []

    def run_once(snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        runs.append(len(snippets))
        raise ToolFault("broken")

    results = run_batched(run_once, of_lines([1] * 40), workers=1, timeout_s=60)
    assert all(result.error == "broken" for result in results)
    assert runs == [40, 1]


def test_short_answer_of_a_run_is_a_fault() -> None:
    def run_once(snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        return [AnalysisResult(snippet.id) for snippet in snippets[1:]]

    results = run_batched(run_once, of_lines([1, 1, 1]), workers=1, timeout_s=60)
    assert all(result.error is not None for result in results)


def test_no_run_gets_more_than_its_share() -> None:
    sizes: list[int] = []

    def run_once(snippets: Sequence[Snippet], timeout_s: float) -> list[AnalysisResult]:
        sizes.append(len(snippets))
        return [AnalysisResult(snippet.id) for snippet in snippets]

    run_batched(run_once, of_lines([1] * (2 * SNIPPETS_PER_RUN)), workers=1, timeout_s=60)
    assert max(sizes) <= SNIPPETS_PER_RUN
