"""Files checked first and used later: somebody may change them in between."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted, own_nodes
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_CHECKS = frozenset(("exists", "isfile", "is_file", "islink", "is_symlink", "lexists"))
_WRITERS = frozenset(
    ("open", "write_text", "write_bytes", "mkdir", "makedirs", "symlink", "rename")
)


def _path_of(call: ast.Call) -> str:
    """What a check or use is about, as written: the argument, or the receiver of a Path method."""
    func = call.func
    if isinstance(func, ast.Attribute) and ast.unparse(func.value) not in ("os", "os.path", "io"):
        return ast.unparse(func.value)
    return ast.unparse(call.args[0]) if call.args else ""


def _used_after(code: Code) -> Iterator[Match]:
    for branch in code.nodes_of(ast.If):
        for check, level in _checks_in(branch.test):
            path = _path_of(check)
            for use in (one for part in branch.body for one in (part, *own_nodes(part))):
                if not isinstance(use, ast.Call) or _path_of(use) != path or not path:
                    continue
                if called_name(check) == "access" and called_name(use) == "open":
                    yield Match(use, "is opened after os.access: ask by opening it", "medium")
                elif _creates(use) and level is not None:
                    yield Match(use, "is created after a check that it is not there", level)


def _checks_in(test: ast.expr) -> Iterator[tuple[ast.Call, Level | None]]:
    for node in walk(test):
        if isinstance(node, ast.Call) and node.args and dotted(node.func) == "os.access":
            yield node, None
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = test.operand
        if isinstance(inner, ast.Call) and called_name(inner) in _CHECKS:
            yield inner, "low"


def _creates(use: ast.Call) -> bool:
    """Whether a call makes the file in a way that follows what was put there meanwhile."""
    if called_name(use) != "open":
        return called_name(use) in ("write_text", "write_bytes", "symlink")
    modes = [one.value for one in [*use.args, *(k.value for k in use.keywords)]
             if isinstance(one, ast.Constant) and isinstance(one.value, str)]  # fmt: skip
    return any("w" in mode and len(mode) <= 3 for mode in modes[-1:])


_USES = frozenset(("open", "chmod", "chown", "rmtree", "remove", "unlink"))


def _link_checked(code: Code) -> Iterator[Match]:
    """`if islink(p): refuse` and then open(p): the link may be put there after the check."""
    for function in {id(scope.node): scope.node for scope in code.scopes}.values():
        checks: dict[str, int] = {}
        for node in own_nodes(function):
            if not isinstance(node, ast.Call):
                continue
            if called_name(node) in ("islink", "is_symlink"):
                checks.setdefault(_path_of(node), node.lineno)
                continue
            if not checks:
                continue
            checked = checks.get(_path_of(node), node.lineno)
            if called_name(node) in _USES and checked < node.lineno:
                yield Match(node, "is used after a check for links", "low", (363, 367, 59))


def _owner_checked(code: Code) -> Iterator[Match]:
    """`if os.stat(p).st_uid != me: refuse` and then open(p)."""
    if not re.search(r"st_(uid|mode|gid)", code.text):
        return
    for function in {id(scope.node): scope.node for scope in code.scopes}.values():
        text = ast.unparse(function) if not isinstance(function, ast.Module) else ""
        if not re.search(r"st_(uid|mode|gid)", text) or "fstat" in text:
            continue
        asked: dict[str, int] = {}
        for node in own_nodes(function):
            if isinstance(node, ast.Call) and dotted(node.func) in ("os.stat", "os.lstat"):
                asked.setdefault(_path_of(node), node.lineno)
            elif (
                isinstance(node, ast.Call)
                and called_name(node) == "open"
                and asked.get(_path_of(node), node.lineno) < node.lineno
                and _refuses(text)
            ):
                yield Match(node, "is opened after its owner was asked for: use os.fstat")


def _refuses(text: str) -> bool:
    return re.search(r"if [^\n]*st_(uid|gid|mode)[^\n]*:\n\s+(raise|return)|"
                     r"if [^\n]*\.st_(uid|gid)", text) is not None  # fmt: skip


RULE = FlowRule(
    id="file-check-race",
    title="File checked before it is used",
    cwes=(367, 363, 362),
    severity="medium",
    severity_reason="Between the check and the use another process can put another file or a link"
    " in its place.",
    fix='Just use it and handle the exception: open(path, "x") to create, try/except OSError'
    " to read, os.open with O_NOFOLLOW against links.",
    reference="https://cwe.mitre.org/data/definitions/367.html",
    detectors=(_used_after, _link_checked, _owner_checked),
    insecure=(
        """
import os

def own_notes(path):
    known = os.stat(path)
    if known.st_uid != os.getuid():
        raise PermissionError(path)
    with open(path) as source:
        return source.read()
""",
        """
import os

def show(path):
    if os.access(path, os.R_OK):
        with open(path) as handle:
            return handle.read()
    return "not allowed"
""",
        """
import os

def save(path, text):
    if os.path.exists(path) and os.access(path, os.W_OK):
        handle = open(path, "a")
        try:
            handle.write(text)
        finally:
            handle.close()
""",
        """
import os

class Report:
    def __init__(self, target):
        self.target = target

    def load(self):
        if not os.access(self.target, os.F_OK):
            return None
        elif os.access(self.target, os.R_OK):
            with open(self.target, "rb") as handle:
                return handle.read()
""",
    ),
    secure=(
        """
import os

def own_notes(path):
    with open(path) as source:
        if os.fstat(source.fileno()).st_uid != os.getuid():
            raise PermissionError(path)
        return source.read()
""",
        """
def show(path):
    try:
        with open(path) as handle:
            return handle.read()
    except PermissionError:
        return "not allowed"
""",
        """
def create(path, text):
    try:
        with open(path, "x") as handle:
            handle.write(text)
    except FileExistsError:
        raise SystemExit("already there") from None
""",
        """
import os

def tools(folder):
    found = []
    for name in os.listdir(folder):
        if os.access(os.path.join(folder, name), os.X_OK):
            found.append(name)
    return found
""",
        """
import os

def load(path, default):
    if os.path.exists(path):
        with open(path) as handle:
            return handle.read()
    return default
""",
    ),
)
