"""Samples side by side: the data behind the report's sample browser.

An index says of every sample where it stands under each model; the answers themselves lie in
chunks that the page reads only when it shows them, so that ten thousand samples stay quick.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from purpcode.analyzers import readable_source
from purpcode.conversation import code_blocks, parse_response
from purpcode.evals.results import ScoredSample
from purpcode.reports.groups import dimension_title, sample_groups
from purpcode.reports.pairing import headline_metric, keyed_samples, outcome
from purpcode.reports.protocol import NOTED, Kind
from purpcode.reports.sections import Section
from purpcode.reports.tables import PART_TITLES
from purpcode.reports.visible import visible
from purpcode.types import Finding, Verdict

Json = dict[str, Any]

CHUNK = 50
"""Samples in one chunk."""
MAX_CHARS = 20_000
"""A longer text is cut in the page, and says so; the run folder keeps it whole."""
EXCERPT_CHARS = 140
LINEAGE = ("rule", "cwes", "strategy", "source", "category")
"""Metadata shown with a sample, where it has it."""

_FENCE_BEFORE = re.compile(r"(?:^|\n)[ \t>]*(?:`{3,}|~{3,})[^\n]*\n?\Z")
_FENCE_AFTER = re.compile(r"\A[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:\n|\Z)")


@dataclass(frozen=True)
class Explorer:
    """What the page's browser of samples reads.

    `index` is {"models", "rows", "dimensions": [[name, [value]]], "chunk", "samples": [[id, row,
    states, excerpt of the prompt, [value numbers of each dimension]]]}, where `states` has a
    character a model: p(assed), f(ailed), u(nmeasured), - (no record) or space (the model was not
    put to this suite). Entry i of chunk c is sample c * chunk + i of the index.
    """

    index: Json
    chunks: tuple[tuple[Json, ...], ...]


@dataclass(frozen=True)
class _Entry:
    """One question with every model's answer; None is no record."""

    name: str
    row: int
    states: str
    answers: tuple[ScoredSample | None, ...]


def build_explorer(sections: Sequence[Section], *, allow: Collection[Kind] = NOTED) -> Explorer:
    """Lay out all samples of all models, in the tables' row order."""
    labels = list(dict.fromkeys(label for section in sections for label in section.table.labels))
    rows: list[str] = []
    entries: list[_Entry] = []
    for section in sections:
        entries += _entries(section, labels, len(rows), allow)
        prefix = section.suite if len(sections) > 1 else ""
        for row in section.table.parts:
            words = (prefix, row.title, PART_TITLES.get(row.part, row.part))
            rows.append(visible(" · ".join(filter(None, words))))
    dimensions: dict[str, dict[str, int]] = {}
    samples = [
        [
            visible(entry.name),
            entry.row,
            entry.states,
            _excerpt(_known(entry.answers)),
            _numbered(sample_groups(_known(entry.answers)), dimensions),
        ]
        for entry in entries
    ]
    details = [_detail(entry.answers) for entry in entries]
    index = {
        "models": [visible(label) for label in labels],
        "rows": rows,
        "dimensions": [
            [visible(dimension_title(name)), list(values)] for name, values in dimensions.items()
        ],
        "chunk": CHUNK,
        "samples": samples,
    }
    starts = range(0, len(details), CHUNK)
    return Explorer(index, tuple(tuple(details[start : start + CHUNK]) for start in starts))


def _entries(
    section: Section, labels: Sequence[str], offset: int, allow: Collection[Kind]
) -> list[_Entry]:
    by_model = keyed_samples(section.models, allow)
    parts = {(row.objective, row.part): at for at, row in enumerate(section.table.parts)}
    columns = {label: at for at, label in enumerate(section.table.labels)}
    entries = []
    for key in dict.fromkeys(key for samples in by_model for key in samples):
        answers = [samples.get(key) for samples in by_model]
        known = _known(answers)
        states = "".join(
            _state(answers[columns[label]]) if label in columns else " " for label in labels
        )
        placed = tuple(answers[columns[one]] if one in columns else None for one in labels)
        name = key[0] if not key[1] else f"{key[0]} #{key[1]}"
        entries.append(_Entry(name, offset + parts[known.objective, known.part], states, placed))
    return sorted(entries, key=lambda entry: entry.row)


def _numbered(
    groups: Mapping[str, tuple[str, ...]], dimensions: dict[str, dict[str, int]]
) -> list[list[int]]:
    """The sample's values as numbers, one list a dimension; new ones are added to the index."""
    for name, values in groups.items():
        known = dimensions.setdefault(name, {})
        for value in values:
            known.setdefault(visible(value), len(known))
    return [
        [known[visible(value)] for value in groups.get(name, ())]
        for name, known in dimensions.items()
    ]


def _known(answers: Sequence[ScoredSample | None]) -> ScoredSample:
    return next(answer for answer in answers if answer is not None)


def _excerpt(sample: ScoredSample) -> str:
    return visible(" ".join(sample.messages[-1].content[:EXCERPT_CHARS].split()))


def _state(sample: ScoredSample | None) -> str:
    if sample is None:
        return "-"
    return {True: "p", False: "f", None: "u"}[outcome(sample, headline_metric(sample))]


def _detail(answers: Sequence[ScoredSample | None]) -> Json:
    known = _known(answers)
    lineage = {key: known.metadata[key] for key in LINEAGE if known.metadata.get(key)}
    return {
        "lineage": [
            visible(f"{key.replace('_', ' ')}: {_words(value)}") for key, value in lineage.items()
        ],
        "prompt": [
            {"role": message.role, **_cut(message.content)}
            for message in known.messages
            if message.role != "system"
        ],
        "answers": [None if answer is None else _answer(answer) for answer in answers],
    }


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cut(text: str) -> Json:
    return {"text": visible(text[:MAX_CHARS]), "cut": max(0, len(text) - MAX_CHARS)}


def _answer(sample: ScoredSample) -> Json:
    text = sample.completion.text
    response = parse_response(text[:MAX_CHARS])
    parts = list(_parts(response.answer))
    return {
        "thoughts": visible(response.analysis or ""),
        "elsewhere": _place_findings(parts, sample.verdicts),
        "parts": parts,
        "cut": max(0, len(text) - MAX_CHARS),
        "stop": sample.completion.stop_reason,
        "verdicts": [_verdict(verdict) for verdict in sample.verdicts],
    }


def _place_findings(parts: list[Json], verdicts: Sequence[Verdict]) -> list[Json]:
    """Put findings on their lines of code; returns those whose place is not certain.

    secure_code counts lines in the answer's pieces of code joined by a blank line, and says in
    its evidence how many pieces it took. Where that is another number than the answer has
    blocks (a block of another language, code outside of fences), lines cannot be told.
    """
    code = [part for part in parts if "code" in part]
    elsewhere = []
    for verdict in verdicts:
        certain = verdict.evidence.get("pieces", 1) == len(code)
        for finding in verdict.findings:
            found = _part_of_line(code, finding.line) if certain else None
            if found is None:
                elsewhere.append(_finding(finding, 0))
            else:
                part, offset = found
                part["findings"].append(_finding(finding, offset))
    return elsewhere


def _part_of_line(code: list[Json], line: int) -> tuple[Json, int] | None:
    offset = 0
    for part in code:
        lines = part["code"].count("\n") + 1
        if offset < line <= offset + lines:
            return part, offset
        offset += lines + 1
    return None


def _verdict(verdict: Verdict) -> Json:
    state = {True: "p", False: "f", None: "u"}[verdict.passed]
    return {
        "oracle": visible(verdict.oracle),
        "state": state,
        "reason": visible(verdict.error or verdict.reason),
    }


def _finding(finding: Finding, offset: int) -> Json:
    cwes = ", ".join(f"CWE-{cwe}" for cwe in finding.cwes)
    head = " · ".join(filter(None, (finding.severity, cwes, finding.rule_id, finding.analyzer)))
    line, end = finding.line - offset, finding.end_line - offset
    return {"line": line, "end": end, "head": visible(head), "text": visible(finding.message)}


def _parts(answer: str) -> Iterator[Json]:
    """The answer as alternating text and code, fence lines left out.

    A block that the Markdown parser de-indented (in a list, say) is not found verbatim in the
    answer; it then precedes the text it stood in.
    """
    rest = answer
    for block in code_blocks(answer):
        if block.code and block.code in rest:
            before, _, after = rest.partition(block.code)
            before, rest = _FENCE_BEFORE.sub("", before), _FENCE_AFTER.sub("", after)
            if before.strip():
                yield {"text": visible(before.strip("\n"))}
        code = (
            readable_source(block.code) if block.language == "python" else block.code.rstrip("\n")
        )
        yield {"code": visible(code), "findings": []}
    if rest.strip():
        yield {"text": visible(rest.strip("\n"))}
