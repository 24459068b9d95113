"""choice: passes when the chosen letter of a multiple-choice question equals the key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from purpcode.conversation import answer_text
from purpcode.oracles.oracle import digest
from purpcode.oracles.source_digest import source_digest
from purpcode.types import Completion, Sample, Verdict

_MAX_CHARS = 20_000
_OPEN, _CLOSE = r"[*_`\"'(\[{\s]*", r"[*_`\"')\]}]*"
_LETTER = rf"{_OPEN}(?:(?-i:([A-Z]))(?![\w'’])|([a-z])(?=[)\]*`]|[.,]?\s*(?:$|\n)))"
_IS = r"\s*(?:is|would\s+be|should\s+be|must\s+be|[:=])\s*(?:option|choice|answer|letter)?\s*:?\s*"
_PATTERNS = (
    re.compile(r"\\boxed\{\s*(?:\\text\{)?\s*([A-Za-z])\s*\}"),
    re.compile(
        rf"(?<!wrong )(?<!incorrect )\b(?:answer|choice|option){_IS}{_LETTER}"
        rf"|\bi(?:'d|\s+would|\s+will)?\s+(?:choose|pick|select|go\s+with)\s+(?:option\s+)?{_LETTER}"
        rf"|\b(?-i:([A-Z])){_CLOSE}\s+is\s+(?:the\s+)?(?:correct|right|best)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\A{_OPEN}([A-Za-z]){_CLOSE}[.:,]?[ \t]*(?:\n|\Z)"),
    re.compile(rf"^{_OPEN}([A-Za-z])(?:[.):\]*`](?!\\)|\s+-)", re.MULTILINE),
    re.compile(rf"^{_OPEN}([A-Z]){_CLOSE}[.:]?[ \t]*$", re.MULTILINE),
)
"""From the plainest statement of a choice to the vaguest; the first that finds one decides."""


class Choice:
    """Reads the letter a response settles on; no letter, or two different ones, fails.

    `target.choices` maps letters to texts and `target.answer` is the right letter; a sample
    without them, and a completion its model failed to produce, are unmeasured.
    """

    name = "choice"

    def fingerprint(self) -> str:
        """Changes with the reading rules."""
        return digest(self.name, source_digest(__name__))

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair, in order."""
        pairs = zip(samples, completions, strict=True)
        return [self._judge_one(sample, completion) for sample, completion in pairs]

    def _judge_one(self, sample: Sample, completion: Completion) -> Verdict:
        question = _question(sample.target)
        if question is None:
            fault = "target.choices must map capitals to texts, and target.answer be one of them"
            return Verdict.unmeasured(self.name, fault)
        choices, key = question
        if completion.stop_reason == "error":
            return Verdict.unmeasured(self.name, "the model failed to produce this completion")
        chosen = chosen_letters(completion.text, choices)
        evidence = {"chosen": sorted(chosen), "answer": key}
        if chosen == {key}:
            return Verdict.ok(self.name, f"chose {key}", evidence=evidence)
        if len(chosen) == 1:
            reason = f"chose {min(chosen)}, not {key}"
        else:
            reason = "chose more than one letter" if chosen else "chose no letter"
        return Verdict.failed(self.name, reason, evidence=evidence)


def chosen_letters(text: str, choices: Mapping[str, str]) -> set[str]:
    """The letters of `choices` a response settles on; one is a choice, more are ambiguous.

    The first of these that gives a letter decides: a declaration ("the answer is B", `\\boxed{B}`),
    the letter the answer starts with, a letter alone on its line, the text of exactly one choice.
    """
    answer = answer_text(text)[-_MAX_CHARS:].strip()
    for pattern in _PATTERNS:
        found = _letters(pattern, answer, choices)
        if found:
            return found
    return _told_by_text(answer.casefold(), choices)


def _told_by_text(answer: str, choices: Mapping[str, str]) -> set[str]:
    """The letters whose texts an answer holds, as words of their own; a text that is part of
    another one it holds ("TCP" of "TCP/IP") does not count, nor does a lone letter ("a")."""
    bodies = {letter: body.strip().rstrip(".").casefold() for letter, body in choices.items()}
    held = {
        letter: body
        for letter, body in bodies.items()
        if body and not (len(body) == 1 and body.isalpha())
        if re.search(rf"(?<!\w){re.escape(body)}(?!\w)", answer)
    }
    return {
        letter
        for letter, body in held.items()
        if not any(body != other and body in other for other in held.values())
    }


def _letters(pattern: re.Pattern[str], answer: str, choices: Mapping[str, str]) -> set[str]:
    found = {group for match in pattern.finditer(answer) for group in match.groups() if group}
    return {letter.upper() for letter in found} & set(choices)


def _question(target: Mapping[str, object]) -> tuple[dict[str, str], str] | None:
    choices, key = target.get("choices"), target.get("answer")
    if not isinstance(choices, dict) or not isinstance(key, str) or key not in choices:
        return None
    if not all(re.fullmatch("[A-Z]", str(it)) for it in choices):
        return None
    return {str(letter): str(body) for letter, body in choices.items()}, key
