"""The evaluation section of a model card: Markdown to paste below a card's own front matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from purpcode import __version__
from purpcode.evals.results import EvalHeader
from purpcode.reports.markdown import escaped, results_lines
from purpcode.reports.pairing import ModelResults
from purpcode.reports.sections import Section
from purpcode.reports.wording import cost, data_words

LIMITS = (
    "A rate speaks of the prompts that were asked, in their languages and formats, and of no"
    " others; whether training data held these prompts is not known from the evaluation.",
    "Static analyzers miss weaknesses and report some that are none: code judged secure is code in"
    " which they found nothing, not code proven secure.",
    "A judge's verdicts on refusals and malicious assistance are as good as its agreement with"
    " the labelled conversations, given above.",
    "Answers that could not be measured count neither as passed nor as failed; the bounds say what"
    " they could change.",
)


def model_card(sections: Sequence[Section]) -> str:
    """Results, protocol, fingerprints and known limits. Everything from outside is escaped."""
    lines = ["## Cyber-safety evaluation", ""]
    lines += [f"Measured with purpcode {__version__}.", ""]
    for section in sections:
        lines += [f"### {escaped(section.suite)}", "", *results_lines(section.table), ""]
        lines += [f"- ⚠ {escaped(one)}" for one in section.table.warnings]
        lines += [""] if section.table.warnings else []
    lines += ["### Protocol", ""]
    lines += [line for one in sections for model in one.models for line in _protocol(model)]
    lines += ["", "### Oracle fingerprints", ""]
    lines += _fingerprints([model for one in sections for model in one.models])
    lines += ["", "### Known limits", ""]
    lines += [f"- {limit}" for limit in (*LIMITS, *_own_limits(sections))]
    return "\n".join(lines) + "\n"


def _protocol(model: ModelResults) -> Iterable[str]:
    header = model.header
    suite = header.published or header.suite
    sampling = ", ".join(f"{key} {value}" for key, value in sorted(header.sampling.items()))
    yield f"- **{escaped(model.label)}** ({escaped(header.model)}) on {escaped(suite)}:"
    prompts = len({sample.sample_id for sample in model.samples})
    answers = f", {header.draws} answers each" if header.draws > 1 else ""
    yield f"  - {prompts} prompts{answers}; sampling: {escaped(sampling or 'defaults')}"
    if header.asking is not None:
        yield f"  - prompts: {escaped(str(header.asking))}"
    if header.data is not None:
        yield f"  - data: {escaped(data_words(header.data))}"
    if header.cost is not None:
        yield f"  - cost: {escaped(cost(header))}"
    if header.judge:
        yield f"  - judge: {escaped(header.judge)}"


def _fingerprints(models: Sequence[ModelResults]) -> list[str]:
    found = dict.fromkeys(
        (name, fingerprint)
        for model in models
        for name, fingerprint in sorted(model.header.oracle_fingerprints.items())
    )
    return [f"- {escaped(name)}: {escaped(fingerprint)}" for name, fingerprint in found]


def _own_limits(sections: Sequence[Section]) -> list[str]:
    headers: list[EvalHeader] = [model.header for one in sections for model in one.models]
    limits = []
    if any("heuristic" in header.judge.lower() for header in headers):
        limits.append("The heuristic judge is a set of written rules, not a model.")
    cells = [cell for one in sections for row in one.table.rows for cell in row.cells]
    unmeasured = sum(cell.rate.unmeasured for cell in cells)
    if unmeasured:
        total = sum(cell.rate.total for cell in cells)
        limits.append(f"{unmeasured} of {total} outcomes in the tables above are unmeasured.")
    return limits
