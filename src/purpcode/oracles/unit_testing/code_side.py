"""The interpreter that holds the code under test. Runs in the sandbox.

It is forked off before anything is known of the tests, and knows nothing but the code.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import types
from typing import Any, NoReturn

from purpcode.oracles.unit_testing.peer import Peer

_PRINTED_CHARS = 1 << 20


class CodePeer(Peer):
    """The end that holds the code under test: it can load it and name what it defines."""

    module: types.ModuleType

    def handle(self, operation: str, operands: list[Any], named: dict[str, Any]) -> Any:
        """`load` executes the code, `look_up` and `define` read and set one of its names; the
        rest is `Peer`'s."""
        if operation == "load":
            _, code, wanted, module_name, read_line = operands
            self._load(code, module_name, read_line)
            held = self.module.__dict__
            return {name: self._described(held[name]) for name in wanted if name in held}
        if operation == "look_up":
            return self._described(getattr(self.module, operands[1]))
        if operation == "define":
            setattr(self.module, operands[1], operands[2])
            return None
        return super().handle(operation, operands, named)

    def _load(self, code: str, module_name: str, read_line: Any) -> None:
        self._capture(read_line)
        self.module = types.ModuleType(module_name)
        sys.modules[module_name] = sys.modules["solution"] = self.module
        exec(compile(code, "solution.py", "exec", dont_inherit=True), self.module.__dict__)

    def _described(self, value: Any) -> Any:
        if isinstance(value, type) and issubclass(value, Exception):
            return ("error", [[kind.__module__, kind.__name__] for kind in value.__mro__], value)
        return ("value", None, value)

    def _capture(self, read_line: Any) -> None:
        """Hand on what the code prints, and have its `input` read what the tests offer."""

        def ask_for_line(prompt: object = "") -> str:
            sys.stdout.write(str(prompt))
            return str(read_line())

        builtins.input = ask_for_line
        self._streams = [io.BytesIO(), io.BytesIO()]
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(stream, "utf-8", "replace", write_through=True)
            for stream in self._streams
        )
        sys.stdin = _Lines(read_line)

    def take_printed(self) -> Any:
        """Standard output and error since the last message; None where there is nothing."""
        texts = []
        for stream in getattr(self, "_streams", ()):
            texts.append(stream.getvalue()[:_PRINTED_CHARS].decode("utf-8", "replace"))
            stream.seek(0)
            stream.truncate()
        return texts if any(texts) else None


class _Lines(io.TextIOBase):
    """A standard input of the lines that the tests offer; it gives whole lines, or all of them."""

    def __init__(self, read_line: Any) -> None:
        self._read_line = read_line

    def readable(self) -> bool:
        return True

    def readline(self, size: int = -1) -> str:  # type: ignore[override]  # noqa: ARG002
        try:
            return f"{self._read_line()}\n"
        except EOFError:
            return ""

    def read(self, size: int | None = -1) -> str:  # noqa: ARG002
        return "".join(iter(self.readline, ""))


def be_the_code(to_code: tuple[int, int], to_tests: tuple[int, int]) -> NoReturn:
    """Serve the tests' process until it ends."""
    os.close(to_code[1])
    os.close(to_tests[0])
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    sys.path[:] = trusted_paths()
    try:
        CodePeer(os.fdopen(to_code[0], "rb"), os.fdopen(to_tests[1], "wb")).serve_forever()
    finally:
        os._exit(0)


def trusted_paths() -> list[str]:
    """Where to import from: the interpreter's folders and the packages it was started with, not
    the program's folder, where the code could write modules for the tests to import."""
    offered = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = tuple(path for path in (sys.base_prefix, sys.prefix, *offered) if path)
    return [path for path in sys.path if path.startswith(kept)]
