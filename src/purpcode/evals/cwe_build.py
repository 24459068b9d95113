"""cwe_build: how CWEval's tasks in C, C++, Go and JavaScript become what their tests start.

The compilers' options are upstream's (its `commons.py`), with two differences: a library that this
machine does not have is left out, so that only the tasks that need it cannot be built; and Go uses
its offline settings. Compilers read hostile input and run in a sandbox of their own; the binary
comes back on standard output and is never executed outside.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from purpcode.oracles.oracle import digest
from purpcode.sandbox.execution import Program
from purpcode.sandbox.languages import BINARY_MIB, TOOLCHAINS, Launch, find_tool
from purpcode.sandbox.layout import SCRATCH

BUILD_TIMEOUT_S = 120.0
BUILD_MEMORY_MB = 2048
ENTRY = "BEGIN ENTRYPOINT"
"""What follows this line of a reference solution is the main program of its tests."""

_GO_SCRATCH_MIB = 256
"""Go from 1.20 on compiles the parts of its standard library that a program uses."""
_LIBRARIES = "sqlite3 jwt ssl crypto archive xml2"
_C_LINE = (
    "libraries=; for name in " + _LIBRARIES + "; do case $({tool} -print-file-name=lib$name.so) in"
    ' */*) libraries="$libraries -l$name";; esac; done;'
    " {tool} {source} -o program $(xml2-config --cflags 2>/dev/null) $libraries {options} >&2"
)
_GO_LINE = (
    f"export GOCACHE={SCRATCH}/cache GOTMPDIR={SCRATCH} GOPATH={SCRATCH}/go GOFLAGS=-mod=mod"
    " GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOMAXPROCS=2 PATH={path};"
    " {goimports} -w {source} >&2 && {tool} build -p 2 -o program {source} >&2"
)
_LOAD = """
const missing = process.argv.slice(1).filter((name) => {
  try { require(name); return false; } catch (error) { return true; }
});
for (const name of missing) console.error("Cannot find module '" + name + "'");
process.exit(missing.length ? 1 : 0);
"""
_REQUIRED = re.compile(r"""\brequire\(\s*['"]([^'"./][^'"]*)['"]\s*\)""")
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[^\n]*", re.MULTILINE)
_MISSING = (
    (re.compile(r"fatal error: (\S+): No such file"), "the header {} is missing"),
    (re.compile(r"cannot find (?:-l|package )\"?([\w./-]+)"), "{} is missing"),
    (
        re.compile(r"(?:finding module for|no required module provides) package ([\w./-]+)"),
        "the Go module {} is missing",
    ),
    (re.compile(r"Cannot find module '([^']+)'"), "the node module {} is missing"),
)


@dataclass(frozen=True)
class Kit:
    """The tools of one language, found on this machine.

    `line` is a shell line of fixed words that leaves `program`, empty where the source itself is
    run; `missing` names the tool that is not here; `environment` is what the tests' programs need.
    """

    suffix: str
    line: str = ""
    mounts: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    identity: str = ""

    @property
    def compiles(self) -> bool:
        """Whether the tests start a binary."""
        return bool(self.line)

    @property
    def fault(self) -> str:
        """Why nothing can be tested with it; "" when it is complete."""
        return f"{self.missing} is missing: tests of *{self.suffix} need it" if self.missing else ""


@functools.cache
def kit_of(language: str) -> Kit | None:
    """The tools of a language, None for one that CWEval does not have (or Python)."""
    find = _KITS.get(language)
    return find() if find else None


def complete(language: str, answer: str, reference: str) -> str:
    """An answer with what upstream puts around it: what the reference includes, its main program.

    Go needs a package clause, which an answer that gives the function alone may lack; its imports
    are then put right by goimports, as upstream does.
    """
    _, entry, main = reference.partition(ENTRY)
    main = f"\n\n// {entry}{main}" if entry else ""
    if language in ("c", "cpp"):
        body = reference.partition(ENTRY)[0]
        return "\n".join([*_INCLUDE.findall(body), answer]) + main
    if language == "go" and not re.search(r"^\s*package\s+\w+", answer, re.MULTILINE):
        answer = f"package main\n\n{answer}"
    return answer + main


def build_launch(kit: Kit, target: Mapping[str, Any], source: str) -> Launch:
    """The process that compiles a source; its standard output is the binary."""
    name = f"answer{kit.suffix}"
    sanitizer = "-fsanitize=address" if target.get("sanitized") else ""
    line = _filled(kit.line, source=name, options=sanitizer)
    return Launch(
        limits=_build_limits(),
        files={name: source.encode("utf-8", "surrogatepass")},
        # Fixed words only: neither code nor names of the row are part of the line.
        command=("/bin/sh", "-c", f"{line} && exec cat program"),
        mounts=kit.mounts,
        unbounded=kit.suffix == ".go",
        scratch_mib=_GO_SCRATCH_MIB if kit.suffix == ".go" else 0,
    )


def load_launch(kit: Kit, reference: str) -> Launch | None:
    """The process that loads the node modules a reference requires; None when it needs none."""
    names = sorted(set(_REQUIRED.findall(reference)))
    if kit.compiles or not names:
        return None
    tool = str(find_tool("javascript"))
    setting = [f"{name}={value}" for name, value in kit.environment.items()]
    return Launch(
        limits=_build_limits(),
        files={},
        command=("/usr/bin/env", *setting, tool, "-e", _LOAD, *names),
        mounts=kit.mounts,
        unbounded=True,
    )


def build_problem(text: str) -> str:
    """What a compiler's error output says: what is missing, else its first error."""
    for pattern, words in _MISSING:
        found = pattern.search(text)
        if found:
            return words.format(found[1])
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    errors = [line for line in lines if "error" in line or "undefined" in line]
    # Go names the package in a line of its own, before what is wrong with it.
    errors = errors or [line for line in lines if not line.startswith("# ")]
    return (errors or ["no output"])[0][:300]


def tools_identity() -> str:
    """Which tools this machine has, for a fingerprint: verdicts depend on them."""
    kits = [kit_of(language) for language in _KITS]
    return digest(*[f"{kit.line} {kit.identity} {kit.fault}" for kit in kits if kit])


def _build_limits() -> Program:
    return Program(
        code="",
        timeout_s=BUILD_TIMEOUT_S,
        memory_mb=BUILD_MEMORY_MB,
        output_bytes=BINARY_MIB << 20,
    )


def _c_kit() -> Kit:
    return _gnu_kit("c", ".c")


def _cpp_kit() -> Kit:
    return _gnu_kit("cpp", ".cpp")


def _gnu_kit(language: Any, suffix: str) -> Kit:
    tool, known = find_tool(language), TOOLCHAINS[language]
    if tool is None:
        return Kit(suffix, missing=known.tool)
    line = _filled(_C_LINE, tool=shlex.quote(tool))
    # Leaks are found by tracing, which the sandbox denies. An answer may not change the exit code.
    options = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=1:halt_on_error=1:abort_on_error=0"}
    return Kit(suffix, line, known.mounts, options, identity=_identity(tool))


def _go_kit() -> Kit:
    found = {name: shutil.which(name) for name in ("go", "goimports")}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        return Kit(".go", missing=" and ".join(missing))
    go, goimports = (str(Path(str(path)).resolve()) for path in found.values())
    asked = [go, "env", "GOROOT"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    root = Path(said.stdout.strip() or "/nowhere")
    if not root.is_dir():
        return Kit(".go", missing=f"the folder of go ({said.stderr.strip()[-200:]})")
    # Distributions split a root in two: its links lead to where the rest lies.
    entries = (*root.glob("*"), *root.glob("pkg/*"))
    links = sorted(str(one.resolve()) for one in entries if one.is_symlink())
    mounts = (*TOOLCHAINS["c"].mounts, str(root), *links, goimports)
    path = f"{root}/bin:/usr/bin:/bin"
    words = {"path": path, "goimports": goimports, "tool": f"{root}/bin/go"}
    line = _filled(_GO_LINE, **{name: shlex.quote(word) for name, word in words.items()})
    return Kit(".go", line, mounts, {"GOMAXPROCS": "2"}, identity=_identity(go))


def _node_kit() -> Kit:
    tool = find_tool("javascript")
    if tool is None:
        return Kit(".js", missing="node")
    folders = [one for one in os.environ.get("NODE_PATH", "").split(os.pathsep) if one]
    folders = [str(Path(one).resolve()) for one in folders if Path(one).is_dir()]
    environment = {"PATH": f"{Path(tool).parent}:/usr/bin:/bin"}
    if folders:
        environment["NODE_PATH"] = os.pathsep.join(folders)
    mounts = (*TOOLCHAINS["javascript"].mounts, tool, *folders)
    return Kit(".js", "", mounts, environment, identity=f"{_identity(tool)} {folders}")


_KITS: Mapping[str, Callable[[], Kit]] = {
    "c": _c_kit,
    "cpp": _cpp_kit,
    "go": _go_kit,
    "javascript": _node_kit,
}


LANGUAGES = ("python", *_KITS)
"""Languages of CWEval's tasks."""


def _filled(line: str, **words: str) -> str:
    for name, word in words.items():
        line = line.replace(f"{{{name}}}", word)
    return line


def _identity(tool: str) -> str:
    path = Path(tool).resolve()
    return f"{path.name}:{path.stat().st_size}"
