"""The gate's result in the terminal, as JSON, JUnit XML and SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purpcode.records import write_json_atomic, write_text_atomic
from purpcode.reports.answers import answer_file
from purpcode.reports.comparison import reasons
from purpcode.reports.evaluations import Sides
from purpcode.reports.figures import rate_figures
from purpcode.reports.gate import Check, GateResult
from purpcode.reports.pairing import SampleKey, keyed_samples
from purpcode.reports.sarif import LocatedFinding, sarif_log, write_sarif
from purpcode.reports.visible import visible
from purpcode.reports.wording import percent, points
from purpcode.types import Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from purpcode.evals.results import ScoredSample

SCHEMA_VERSION = 1
LISTED = 20
"""Regressed samples that a JUnit failure quotes."""
EXCERPT_CHARS = 400
_STYLES = {"passed": "green", "failed": "bold red", "undecided": "yellow", "missing": "bold red"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, even escaped."""


def print_gate(result: GateResult, console: Console) -> None:
    """Print the table of checks and the decision."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for warning in result.warnings:
        console.print(Text(visible(f"! {warning}"), style="yellow"))
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Measure", result.base, result.tuned, "Change", "Decision"):
        grid.add_column(Text(visible(heading)), overflow="fold")
    for check in result.checks:
        grid.add_row(
            Text(visible(_name(check))),
            *(Text(_rate_words(rate)) for rate in (check.base, check.tuned)),
            Text(_change_words(check)),
            Text(check.status, style=_STYLES[check.status]),
        )
    console.print(grid)
    for check in result.checks:
        line = Text(check.status, style=_STYLES[check.status])
        name = " on ".join(filter(None, (check.objective or check.role, check.suite)))
        line.append(visible(f" {name}: {check.reason}"), style="not bold default")
        console.print(line)
    failing = sum(check.status != "passed" for check in result.checks)
    verdict = "The gate is passed." if result.passed else f"The gate fails: {failing} checks."
    console.print(Text(verdict, style="bold green" if result.passed else "bold red"))


def _name(check: Check) -> str:
    return "\n".join(filter(None, (check.objective or check.role, check.suite)))


def _rate_words(rate: Any) -> str:
    if rate.interval is None:
        return f"–\n0 of {rate.total}"
    low, high = rate.interval
    words = f"{percent(rate.rate)} [{100 * low:.0f}–{100 * high:.0f}]\n"
    words += f"{rate.passed} of {rate.measured}"
    if rate.unmeasured:
        worst, best = rate.bounds
        words += f"\n{rate.unmeasured} unm.: {100 * worst:.0f}–{100 * best:.0f}"
    return words


def _change_words(check: Check) -> str:
    if check.test.difference is None or check.test.interval is None:
        return "–"
    low, high = check.test.interval
    words = f"{points(check.test.difference)} [{points(low)} to {points(high)}]\n"
    return words + f"{check.test.fixed} fixed, {check.test.regressed} regressed"


def gate_figures(result: GateResult) -> dict[str, Any]:
    """The decision and everything it rests on; shares in [0, 1], null is unmeasured."""
    checks = [
        {
            **asdict(check),
            "base": rate_figures(check.base),
            "tuned": rate_figures(check.tuned),
            "regressed": [{"sample_id": key[0], "index": key[1]} for key in check.regressed],
        }
        for check in result.checks
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "passed": result.passed,
        "base": result.base,
        "tuned": result.tuned,
        "settings": result.settings.model_dump(mode="json"),
        "checks": checks,
        "warnings": list(result.warnings),
    }


def write_gate_json(path: Path, result: GateResult) -> None:
    """Write `gate_figures`; raises PurpcodeError where it cannot be written."""
    write_json_atomic(path, gate_figures(result))


def write_junit(path: Path, result: GateResult, sides: Sides) -> None:
    """Write JUnit XML: one test case a check, failed unless the check passed.

    Raises PurpcodeError where it cannot be written.
    """
    write_text_atomic(path, junit_xml(result, sides))


def junit_xml(result: GateResult, sides: Sides) -> str:
    """The XML text. What models wrote is quoted in it: escaped, and without characters that XML
    forbids."""
    from xml.etree import ElementTree

    failing = str(sum(check.status != "passed" for check in result.checks))
    totals = {"tests": str(len(result.checks)), "failures": failing, "errors": "0"}
    root = ElementTree.Element("testsuites", {"name": "purpcode gate", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "purpcode gate", **totals})
    answers = _tuned_answers(sides)
    for check in result.checks:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {
                "classname": _xml(f"purpcode.gate.{check.suite or 'required'}"),
                "name": _xml(check.objective or check.role),
                "time": "0",
            },
        )
        if check.status != "passed":
            named = {"type": check.status, "message": _xml(check.reason)}
            failure = ElementTree.SubElement(case, "failure", named)
            failure.text = _xml("\n".join(_failure_lines(check, answers)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _failure_lines(
    check: Check, answers: dict[tuple[str, SampleKey], ScoredSample]
) -> Iterator[str]:
    yield f"{check.status}: {check.reason}"
    if check.base.total:
        yield f"base:  {check.base}"
        yield f"tuned: {check.tuned}"
    for key in check.regressed[:LISTED]:
        sample = answers[check.suite, key]
        yield f"\nregressed: {key[0]}{f' #{key[1]}' if key[1] else ''}: {reasons(sample)}"
        text = sample.completion.text
        cut = len(text) - EXCERPT_CHARS
        yield f"{text[:EXCERPT_CHARS]}\n({cut} more characters)" if cut > 0 else text
    if len(check.regressed) > LISTED:
        more = len(check.regressed) - LISTED
        yield f"\nand {more} more regressed samples; `purpcode gate --json FILE` lists all"


def _tuned_answers(sides: Sides) -> dict[tuple[str, SampleKey], ScoredSample]:
    return {
        (model.header.suite, key): sample
        for model in sides.b
        for key, sample in keyed_samples([model])[0].items()
    }


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", visible(text))


def write_newly_vulnerable(path: Path, sides: Sides) -> int:
    """Write a SARIF log of findings in code that the tuned model newly made vulnerable.

    Newly vulnerable is code that fails an oracle with findings, on samples where the base model
    did not fail it. The answers are written beside the log as `answers/<sample>.py`. Answers that
    the base model was measured secure on, and the tuned model could not be measured on, are errors
    of the log's invocation.

    Returns:
        The number of newly vulnerable answers.

    Raises:
        PurpcodeError: where the files cannot be written.
    """
    located: list[LocatedFinding] = []
    unmeasured: dict[str, str] = {}
    vulnerable = 0
    for sample, verdict in _newly_bad(sides):
        name, content, findings = answer_file(sample, verdict)
        relative = f"answers/{name}"
        write_text_atomic(path.parent / relative, content)
        if verdict.passed is None:
            unmeasured[relative] = verdict.error or "unmeasured"
            continue
        vulnerable += 1
        lines = content.split("\n")
        for one in findings:
            snippet = "\n".join(lines[one.line - 1 : max(one.line, one.end_line)])
            located.append(LocatedFinding(relative, one, snippet))
    properties = {"base": sides.label_a, "tuned": sides.label_b, "newlyVulnerable": vulnerable}
    write_sarif(path, sarif_log(located, properties=properties, unmeasured=unmeasured))
    return vulnerable


def _newly_bad(sides: Sides) -> Iterator[tuple[ScoredSample, Verdict]]:
    for pair in zip(sides.a, sides.b, strict=True):
        base, tuned = keyed_samples(pair)
        for key, sample in tuned.items():
            before = {one.oracle: one.passed for one in base[key].verdicts} if key in base else {}
            for verdict in sample.verdicts:
                was = before.get(verdict.oracle)
                vulnerable = verdict.passed is False and verdict.findings and was is not False
                lost = verdict.passed is None and verdict.oracle == "secure_code" and was is True
                if vulnerable or lost:
                    yield sample, verdict
