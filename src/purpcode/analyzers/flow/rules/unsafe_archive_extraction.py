"""Archives unpacked without looking where their members go."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_LOOKS = frozenset(
    (
        *("realpath", "abspath", "resolve", "commonpath", "commonprefix", "is_relative_to"),
        *("relative_to", "startswith", "isabs", "is_absolute", "normpath", "basename"),
        *("secure_filename", "safe_join", "islnk", "issym", "isfile", "isreg"),
    )
)
_CHECKER = re.compile(r"(?i)safe|check|valid|sanit|allow|inside|within|filter")
_MEMBER = re.compile(r"(?i)\.(filename|name|namelist|getnames|infolist|getmembers)\b")


def _checked(call: Call) -> bool:
    """Whether the function looks at members' names before it unpacks them."""
    for node in walk(call.scope.node):
        if called_name(node) in _LOOKS or _CHECKER.search(called_name(node)):
            return True
        if isinstance(node, ast.Constant) and node.value == "..":
            return True
    return False


def _filtered(call: Call) -> bool:
    if "filter" in call.keywords:
        chosen = call.keywords["filter"]
        return not (
            chosen.text == "fully_trusted" or "tarfile.fully_trusted_filter" in chosen.names
        )
    members = call.argument(1 if call.fits("*.extractall") else None, "members")
    return (members is not None and members.const is not None) or call.spread


def _tar(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.extractall", "*.extract", "shutil.unpack_archive")):
        if not any(_is_tar(name) for name in call.names) or _filtered(call) or _checked(call):
            continue
        if any(one.endswith("extraction_filter") for store in code.stores for one in store.names):
            continue
        yield Match(call.node, "members of a tar file may point outside the folder, also by links")


def _any_format(code: Code) -> Iterator[Match]:
    """shutil.unpack_archive also takes tar files."""
    for call in code.calls_to(("shutil.unpack_archive",)):
        name, kind = call.argument(0, "filename"), call.argument(2, "format")
        zipped = (kind is not None and kind.text == "zip") or (
            name is not None and (name.text or "").endswith(".zip")
        )
        if not zipped and "filter" not in call.keywords and not call.spread:
            yield Match(call.node, "members of a tar file may point outside the folder", "low")


def _is_tar(name: str) -> bool:
    return name.startswith(("tarfile.open()", "tarfile.TarFile")) or name.startswith("?tar.extract")


def _by_hand(code: Code) -> Iterator[Match]:
    """Writing a member's content to a path made of the member's own name."""
    if not code.uses_module("zipfile", "tarfile", "rarfile", "py7zr"):
        return
    for call in code.calls_to(("open", "pathlib.Path().write_bytes", "pathlib.Path().open")):
        if call.fits("open") and not _writing(call):
            continue
        node = call.node.args[0] if call.fits("open") and call.node.args else call.node.func
        if _names_member(node, call.scope.node) and not _checked(call):
            yield Match(
                call.node, "a member's own name decides which file is written", cwes=(22, 29, 23)
            )


def _writing(call: Call) -> bool:
    mode = call.argument(1, "mode")
    return mode is not None and mode.text is not None and any(one in mode.text for one in "wax")


def _names_member(node: ast.AST, function: ast.AST) -> bool:
    """Whether an expression holds the name of an archive's member, also through variables."""
    members = _loop_members(function)
    wanted = {one.id for one in walk(node) if isinstance(one, ast.Name)}
    for _ in range(3):
        if wanted & members:
            return True
        more = {
            inner.id
            for one in walk(function)
            if isinstance(one, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id in wanted for target in one.targets)
            for inner in walk(one.value)
            if isinstance(inner, ast.Name)
        }
        wanted |= more
    return bool(wanted & members)


def _loop_members(function: ast.AST) -> set[str]:
    return {
        one.target.id
        for one in walk(function)
        if isinstance(one, ast.For)
        and isinstance(one.target, ast.Name)
        and _MEMBER.search(ast.unparse(one.iter))
    }


RULE = FlowRule(
    id="unsafe-archive-extraction",
    title="Archive unpacked without a look at its paths",
    cwes=(22, 59, 29, 23),
    severity="medium",
    severity_reason="A made-up archive writes files outside the folder, over programs or settings.",
    fix='Pass filter="data" to tarfile\'s extract functions; check that each resolved path stays in'
    " the folder before writing a member by hand.",
    reference="https://docs.python.org/3/library/tarfile.html#extraction-filters",
    detectors=(_tar, _any_format, _by_hand),
    insecure=(
        """
import tarfile

def unpack(archive: str, folder: str) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
""",
        """
import os
import zipfile

def unpack(archive, folder):
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.namelist():
            target = os.path.join(folder, member)
            with open(target, "wb") as out:
                out.write(bundle.read(member))
""",
        """
import tarfile

def restore(path):
    backup = tarfile.open(path, "r:gz")
    for member in backup.getmembers():
        backup.extract(member, "/srv/restore", filter="fully_trusted")
    backup.close()
""",
    ),
    secure=(
        """
import tarfile

def unpack(archive: str, folder: str) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
""",
        """
import os
import zipfile

def unpack(archive, folder):
    base = os.path.realpath(folder)
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.namelist():
            target = os.path.realpath(os.path.join(base, member))
            if os.path.commonpath([base, target]) != base:
                raise ValueError("outside the folder")
            with open(target, "wb") as out:
                out.write(bundle.read(member))
""",
        """
import zipfile

def unpack(archive, folder):
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(folder)
""",
        """
import tarfile

def pack(folder, target):
    with tarfile.open(target, "w:gz") as tar:
        tar.add(folder, arcname="data")
""",
    ),
)
