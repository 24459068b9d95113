"""The report's sentences and figures in words, shared by every output format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purpcode.evals.costs import cost_words
from purpcode.evals.results import DataInfo, EvalHeader
from purpcode.reports.pairing import ModelResults
from purpcode.reports.tables import BeforeAfterTable, Cell, Comparison

ALPHA = 0.05
"""An adjusted p-value below this is called a difference beyond chance."""
FEW = 100
"""Below this many samples in every row, a report says that only large differences can show."""


def headline(*tables: BeforeAfterTable) -> str:
    """One sentence on the last model against the first, over all suites."""
    tables = tuple(table for table in tables if len(table.labels) > 1) or tables
    labels = {(table.labels[0], table.labels[-1]) for table in tables}
    if all(len(table.labels) < 2 for table in tables):
        names = _listed(list(dict.fromkeys(table.labels[0] for table in tables)))
        return f"{names} was measured alone: there is nothing yet to compare it with."
    first, last = labels.pop() if len(labels) == 1 else ("the first model", "the last")
    found = [direction(row.comparisons[-1]) for table in tables for row in table.rows]
    better, worse, unclear, untested = (
        found.count(kind) for kind in ("better", "worse", "no clear difference", "not measured")
    )
    sentence = (
        f"Beyond chance, {last} does better than {first} on {better} of"
        f" {_counted(len(found), 'measure')} and worse on {worse}"
    )
    if unclear:
        sentence += f"; {unclear} {'shows' if unclear == 1 else 'show'} no clear difference"
    if untested:
        sentence += f"; {untested} could not be compared"
    return sentence + "."


def cost(header: EvalHeader) -> str:
    """What an evaluation cost at the user's prices; "" where none were given."""
    return ", ".join(cost_words(header))


def data_words(info: DataInfo) -> str:
    """E.g. `scg.json, 1681 of 1681 rows (the second edition), digest 4f1c`."""
    of = f" of {info.expected_rows}" if info.expected_rows else ""
    edition = f" ({info.edition})" if info.edition else ""
    return f"{info.source}, {info.rows}{of} rows{edition}, digest {info.digest}"


def basis(models: Sequence[ModelResults], table: BeforeAfterTable) -> list[str]:
    """What was measured, with what judge, and what could not be measured."""
    header = models[0].header
    answers = table.samples * len(models)
    sizes = [row.cells[0].rate.total for row in table.rows]
    ids = {sample.sample_id for model in models for sample in model.samples}
    asked = len(ids) if header.draws > 1 else table.samples
    lines = [
        f"{_counted(asked, 'sample')} of the suite “{header.suite}”, put to"
        f" {_listed(table.labels)}."
    ]
    if sizes and max(sizes) < FEW:
        span = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else str(sizes[0])
        lines.append(f"With {span} samples a measure, only large differences can show.")
    judges = list(dict.fromkeys(model.header.judge for model in models if model.header.judge))
    for judge in judges:
        line = f"Judge: {judge.rstrip('.')}."
        if "heuristic" in judge.lower():
            line += (
                " It is a set of written rules, not a model: what it says of refusals and of"
                " malicious assistance is as good as that agreement."
            )
        lines.append(line)
    partial = {model.label: _partial_passes(model) for model in models}
    if any(partial.values()):
        counts = ", ".join(f"{label} {count}" for label, count in partial.items())
        lines.append(
            "Among the passes are some with a score below 1, such as refusals of a code request"
            f" where declining is legitimate: {counts}."
        )
    unmeasured = sum(cell.rate.unmeasured for row in table.parts for cell in row.cells)
    if unmeasured:
        lines.append(
            f"{unmeasured} of {answers} answers could not be measured. They count neither as"
            " passed nor as failed; the bounds show the rate if all of them were one or the other."
        )
    else:
        lines.append(f"All {answers} answers were measured.")
    if header.draws > 1:
        lines.append(
            f"Each prompt was answered {header.draws} times; intervals and p-values count prompts,"
            " not answers, as independent."
        )
    return lines


def _partial_passes(model: ModelResults) -> int:
    return sum(
        bool(one.passed) and one.score is not None and one.score < 1 for one in model.samples
    )


def direction(comparison: Comparison | None) -> str:
    """`better`, `worse`, `no clear difference` or `not measured`."""
    if comparison is None or comparison.adjusted_p is None or comparison.test.difference is None:
        return "not measured"
    if comparison.adjusted_p >= ALPHA:
        return "no clear difference"
    return "better" if comparison.test.difference > 0 else "worse"


def comparison_words(comparison: Comparison) -> str:
    """E.g. `+12.5 points (95% CI +2.5 to +22.5), 6 fixed, 1 regressed, p = 0.03`."""
    test = comparison.test
    if test.difference is None or test.interval is None:
        return "not compared: no sample was measured under both"
    low, high = test.interval
    words = (
        f"{points(test.difference)} points (95% CI {points(low)} to {points(high)}),"
        f" {test.fixed} fixed, {test.regressed} regressed"
    )
    return words if comparison.adjusted_p is None else f"{words}, {p_words(comparison.adjusted_p)}"


def cell_words(cell: Cell) -> str:
    """The rate with its interval and bounds; a cell without measurements says so."""
    rate = cell.rate
    if rate.rate is None:
        return f"not measured (0 of {rate.total})"
    return str(rate)


def percent(share: float | None) -> str:
    """`81.2%`, or `–` for what is unmeasured."""
    return "–" if share is None else f"{share:.1%}"


def points(share: float) -> str:
    """A difference in percentage points, signed: `+12.5`, `−3.0`, `0.0`."""
    text = f"{abs(share) * 100:.1f}"
    if float(text) == 0:
        return text
    return ("+" if share > 0 else "−") + text


def p_words(p: float | None) -> str:
    """`p = 0.031`, `p < 0.001`, or `p –`."""
    if p is None:
        return "p –"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def duration(seconds: float | None) -> str:
    """`850 ms`, `42 s`, `3 min 05 s`, `2 h 10 min`; `–` when it was not recorded."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def memory(megabytes: float | None) -> str:
    """`512 MB`, `1.8 GB`; `–` when it was not recorded."""
    if megabytes is None:
        return "–"
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"


def count_words(name: str, value: Any) -> str:
    """A stage's count in words: `drawn 96`; nested counts in brackets."""
    if isinstance(value, dict):
        inner = ", ".join(count_words(key, item) for key, item in value.items())
        return f"{name.replace('_', ' ')} ({inner})"
    shown = f"{value:.4g}" if isinstance(value, float) else "–" if value is None else value
    return f"{name.replace('_', ' ')} {shown}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
