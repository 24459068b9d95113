"""Judged answers as files, so that findings in them have a place that exists."""

from __future__ import annotations

import hashlib
import re

from purpcode.analyzers import readable_source
from purpcode.conversation import answer_text, code_blocks
from purpcode.evals.results import ScoredSample
from purpcode.types import Finding, Verdict

SUFFIXES = {
    "python": ".py",
    "c": ".c",
    "cpp": ".cpp",
    "java": ".java",
    "javascript": ".js",
    "typescript": ".ts",
    "go": ".go",
    "php": ".php",
    "rust": ".rs",
    "csharp": ".cs",
}
_SEPARATOR = "\n\n"
"""What stands between the pieces of an answer's code when secure_code counts its lines."""


def safe_name(sample_id: str, index: int = 0) -> str:
    """A file name for a sample: no separators, no dots, and distinct for distinct samples, also
    where file names ignore case."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", sample_id).strip("-")[:60]
    text = f"{sample_id}\0{index}".encode("utf-8", "surrogatepass")
    return f"{plain or 'sample'}-{hashlib.sha256(text).hexdigest()[:8]}"


def answer_file(sample: ScoredSample, verdict: Verdict) -> tuple[str, str, list[Finding]]:
    """File name, content, and the verdict's findings with their lines in that content.

    The content is the code as judged where its pieces are known for certain. Otherwise it is the
    whole answer, and findings stand on its first line and say which line of the judged code they
    mean.
    """
    name = safe_name(sample.sample_id, sample.index)
    blocks = code_blocks(answer_text(sample.completion.text))
    if blocks and verdict.evidence.get("pieces", 1) == len(blocks):
        pieces = [
            readable_source(block.code) if block.language in ("python", None) else block.code
            for block in blocks
        ]
        code = _SEPARATOR.join(pieces)
        lines = code.count("\n") + 1
        if all(finding.line <= lines for finding in verdict.findings):
            suffix = SUFFIXES.get(_language(sample, blocks[0].language), ".txt")
            return name + suffix, _text(code) + "\n", list(verdict.findings)
    moved = [
        finding.model_copy(
            update={
                "line": 1,
                "end_line": 1,
                "message": f"{finding.message} (line {finding.line} of the code as judged)",
            }
        )
        for finding in verdict.findings
    ]
    return name + ".txt", _text(sample.completion.text) + "\n", moved


def _language(sample: ScoredSample, found: str | None) -> str:
    stated = sample.groups.get("language") or sample.metadata.get("language")
    return str(found or stated or "python").lower()


def _text(text: str) -> str:
    """Text that any file system takes: without lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
