"""What the code under test may do to objects of the tests. Runs in the sandbox.

Objects the tests pass as arguments (callbacks, nodes, mocks) can be called, read and changed from
the other side. From some of them a way leads on to everything: a generator's frame has the tests'
names, a module the interpreter's. And what an object will say of its use (a mock's assertions, its
count of calls) is not for the code to write.
"""

from __future__ import annotations

import builtins
import sys
import types
from typing import Any

INTERNALS = (types.FrameType, types.CodeType, types.TracebackType, types.ModuleType)
"""Kinds of object that the code is not given when it asks for one."""

_MOCK_RECORDS = frozenset(
    ("called", "call_count", "call_args", "call_args_list", "mock_calls", "method_calls")
)
_MOCK_SETTERS = frozenset(("configure_mock", "attach_mock", "mock_add_spec"))
_POWERS = ("exec", "eval", "compile", "__import__", "globals", "locals", "vars", "getattr", "open")
_POWERFUL = tuple(getattr(builtins, name) for name in (*_POWERS, "setattr", "delattr"))


def is_power(value: Any) -> bool:
    """Whether calling the object would give the code the tests' interpreter."""
    return any(value is one for one in _POWERFUL)


def require_permitted(operation: str, target: Any, name: str, *values: Any) -> None:
    """Raise where reading, setting or deleting an attribute of a tests' object would let the code
    decide what the tests find; everything else an honest program may do to it is permitted."""
    mock = _is_mock(target)
    if operation == "getattr":
        if mock and name in _MOCK_SETTERS:
            raise AttributeError(f"a mock's {name} belongs to the tests")
        return
    # Reading an attribute of a mock would make it: there the class says what is a method.
    owner = type(target) if mock else target
    if callable(getattr(owner, name, None)):
        raise AttributeError(f"the method '{name}' belongs to the tests")
    if mock and (name in _MOCK_RECORDS or any(not _is_plain(value) for value in values)):
        raise AttributeError(f"a mock's {name} belongs to the tests")


def _is_mock(target: Any) -> bool:
    mocks = sys.modules.get("unittest.mock")
    return mocks is not None and isinstance(target, mocks.NonCallableMock)


def _is_plain(value: Any) -> bool:
    return value is None or type(value).__module__ == "builtins"
