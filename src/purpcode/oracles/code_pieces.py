"""What of an answer is code to analyse: its blocks in whatever wrapping, and what stands beside."""

from __future__ import annotations

import ast
import bisect
import itertools
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from purpcode.analyzers import has_working_code, readable_source
from purpcode.conversation import CodeBlock, loose_code, reads_as_python

SEPARATOR = "\n\n"
"""Between the pieces put together."""
PROGRAMMING_LANGUAGES = frozenset(
    (
        *("c", "cpp", "csharp", "go", "java", "javascript", "kotlin", "lua", "objective-c"),
        *("perl", "php", "powershell", "python", "ruby", "rust", "scala", "swift", "typescript"),
    )
)
"""Languages in which weak code is the answer's fault. Blocks of others (data, markup, queries, a
shell's commands) beside the code are noted in the evidence and do not count."""

_KIN = ({"c", "cpp"}, {"javascript", "typescript"}, {"java", "csharp"})
"""Languages that fences and guesses confuse."""
_FENCED_COMMENTS = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LINE_COMMENTS = re.compile(r"//[^\n]*|^[ \t]*(?:#|--)[^\n]*", re.MULTILINE)
_DIFF_HEAD = re.compile(r"(?:diff |index |@@|\+\+\+|---|\\ No newline)")
_MAGIC = re.compile(r"^[ \t]*[%!][^\n]*", re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """Code to analyse, as an analyzer should see it. A piece that is `asked` must parse; the
    others are text that may be code, and are code if they parse. A piece that `counts` is an
    answer to the request for code. `raw` is the text as it stands in the answer."""

    code: str
    language: str
    asked: bool
    counts: bool = True
    raw: str = ""


@dataclass(frozen=True)
class Part:
    """A text that the analyzers see, and how many lines of the whole code are before it. `alone`
    marks a piece that the joint part holds too; `moved`, that it stands at other lines there."""

    code: str
    language: str
    offset: int = 0
    alone: bool = False
    moved: bool = False


def code_pieces(answer: str, blocks: Iterable[CodeBlock], language: str) -> list[Piece]:
    """All code of an answer, given its code blocks; that of the wanted language first."""
    found = [piece for block in blocks for piece in _block_pieces(block, language)]
    if language == "python":
        found += [
            _python(block.code, asked=_is_surely_python(block.code)) for block in loose_code(answer)
        ]
    found = [piece for piece in found if piece.code.strip()]
    return sorted(found, key=lambda piece: piece.language != language)


def _block_pieces(block: CodeBlock, wanted: str) -> list[Piece]:
    cells = _notebook_cells(block.code)
    if cells:
        return [_python(cell, asked=True) for cell in cells]
    if block.language in ("diff", "patch"):
        block = replace(block, code=_patched(block.code))
    if block.language == wanted == "python":
        return [_python(block.code, asked=block.kind != "bare" or reads_as_python(block.code))]
    if _may_be(block.language, wanted):
        return [Piece(block.code, wanted, asked=True, raw=block.code)]
    pieces = []
    strong = reads_as_python(block.code)
    if strong or _calls_in_python(block.code):
        # Weak code must not hide under another language's label.
        pieces.append(_python(block.code, asked=False, counts=strong))
    if block.language in PROGRAMMING_LANGUAGES and not strong:
        language = block.language or ""
        pieces.append(Piece(block.code, language, asked=False, counts=False, raw=block.code))
    return pieces


def _may_be(language: str | None, wanted: str) -> bool:
    """Whether a block is of the wanted language, other than Python: by its label, by that of kin,
    or for want of any."""
    if wanted == "python":
        return False
    return language in (wanted, None) or any({language, wanted} <= kin for kin in _KIN)


def _python(code: str, *, asked: bool, counts: bool = True) -> Piece:
    return Piece(readable_source(code), "python", asked, counts, raw=code)


def _notebook_cells(code: str) -> list[str]:
    """The code cells of a Jupyter notebook, without its magic commands; none if it is none."""
    if '"cells"' not in code:
        return []
    try:
        cells = json.loads(code)["cells"]
        sources = [cell["source"] for cell in cells if cell.get("cell_type") == "code"]
        texts = [source if isinstance(source, str) else "".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return [_MAGIC.sub("", text) for text in texts]


def _patched(diff: str) -> str:
    """The text that a diff leaves behind: its added and its unchanged lines."""
    lines = [line for line in diff.split("\n") if not _DIFF_HEAD.match(line)]
    return "\n".join(line[1:] if line[:1] in ("+", " ") else line for line in _kept(lines))


def _kept(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if not line.startswith("-"))


def _tree(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in judged code are not our warnings
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _calls_in_python(code: str) -> bool:
    """Whether a text is Python that calls something; data and most shell commands are not."""
    tree = _tree(readable_source(code))
    return tree is not None and any(isinstance(node, ast.Call) for node in ast.walk(tree))


def _is_surely_python(code: str) -> bool:
    """Whether a text is Python even if it does not parse: it has a definition or an import, and
    two of its lines or more are statements by themselves. Prose is not: its lines do not parse."""
    if not reads_as_python(code):
        return False
    lines = [line.strip() for line in readable_source(code).split("\n")]
    return sum(_is_statement(line) for line in lines) >= 2


def _is_statement(line: str) -> bool:
    tree = _tree(f"{line} pass" if line.endswith(":") else line)
    if tree is None or not tree.body:
        return False
    first = tree.body[0]
    return not isinstance(first, ast.Expr) or isinstance(first.value, ast.Call)


def does_something(piece: Piece) -> bool:
    """Whether a piece answers a request for code: it does something. Without a parser for its
    language, that is to be more than comments and includes."""
    if not piece.counts or piece.language == "python":
        return piece.counts and has_working_code(piece.code)
    bare = _LINE_COMMENTS.sub("", _FENCED_COMMENTS.sub("", piece.code))
    return bool(re.search(r"\w", bare) and re.search(r"[;{(=]", bare))


def runs_to_the_end(block: CodeBlock, answer: str) -> bool:
    """Whether an answer ends inside a block: an unclosed fence, or code that no fence closes."""
    if block.kind in ("fenced", "html"):
        return not block.closed
    lines = block.code.rstrip().rsplit("\n", 1)
    return answer.rstrip().endswith(lines[-1].strip())


def parse_together(pieces: Sequence[Piece]) -> str | None:
    """The Python blocks among the pieces as one program, where they may be one cut in pieces;
    None for a single block, and where a string runs from one block into the next: it would
    swallow what it passes."""
    texts = [
        piece.raw.replace("\r\n", "\n").strip("\n")
        for piece in pieces
        if piece.asked and piece.language == "python"
    ]
    joint = "\n".join(texts)
    tree = _tree(joint)
    if tree is None or len(texts) < 2:
        return None
    seams = list(itertools.accumulate(text.count("\n") + 1 for text in texts[:-1]))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            next_seam = bisect.bisect_left(seams, node.lineno)
            if next_seam < len(seams) and seams[next_seam] < (node.end_lineno or 0):
                return None
    return joint


def lay_out(pieces: Sequence[Piece], wanted: str, together: str | None = None) -> list[Part]:
    """The parts to analyse. The wanted language's pieces are seen put together, which shows what
    they do together, and each alone, so that none can shadow another's names; those of other
    languages alone. Offsets count in all pieces put together. With `together`, a program whose
    blocks only parse put together, that is the joint part, and the pieces come after it."""
    own = [piece for piece in pieces if piece.language == wanted]
    parts, offset = [], 0
    if together is not None:
        parts = [Part(together, wanted)]
        offset = together.count("\n") + len(SEPARATOR)
    elif own:
        parts = [Part(SEPARATOR.join(piece.code for piece in own), wanted)]
    for piece in pieces:
        if piece.language != wanted or together is not None or len(own) > 1:
            held = piece.language == wanted
            moved = held and together is not None
            parts.append(Part(piece.code, piece.language, offset, held, moved))
        offset += piece.code.count("\n") + len(SEPARATOR)
    return parts
