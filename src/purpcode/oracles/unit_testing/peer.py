"""Two interpreters calling each other over pipes: the tests' and the code under test's.

Values travel by value (`wire`); other objects stay where they are and the other side holds a
`Remote`. Runs in the sandbox.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import sys
import threading
import weakref
from typing import Any, BinaryIO

from purpcode.oracles.unit_testing.remote import OPERATIONS, Remote, behind, key_of, valued
from purpcode.oracles.unit_testing.wire import Reader, WireError, decode, encode, nested_lists

MESSAGE_CHARS = 300
_MUTABLE = (list, dict, set, bytearray)
_RUNNERS = {"unittest", "doctest"}
"""Modules whose exceptions tell a test runner what to do: the code under test may not."""


class PeerLost(BaseException):
    """The other side ended or broke the protocol; no `except Exception` of a test may hide it."""


class Unsupported(BaseException):
    """What the tests do cannot be done across two interpreters: it says nothing of the code."""


class Peer(Reader):
    """One end of the conversation. Messages are lines of JSON; calls nest."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._exported: dict[int, Any] = {}
        self._remotes: weakref.WeakValueDictionary[int, Remote] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        self.calls = 0
        self.keep_arguments = False
        """Leave the caller's containers as they were, whatever the callee did to its copies."""
        self.errors: dict[str, type[Exception]] = {}
        """Exception classes of the other side, by name, beyond the standard ones."""

    def ask(self, operation: str, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Have the other side apply an operation to an object of its own (or None: its module)."""
        with self._lock:
            self.calls += 1
            packed = self.pack([target, *args]), self.pack(kwargs)
            self._send({"do": operation, "on": packed[0], "named": packed[1]})
            while True:
                message = self._receive()
                self.printed(message.get("out"))
                if "do" in message:
                    self._serve(message)
                elif "raise" in message:
                    raise self._error(message, operation)
                else:
                    return self._value(message, args)

    def serve_forever(self) -> None:
        """Answer the other side until it hangs up."""
        while True:
            self._serve(self._receive())

    def pack(self, value: Any) -> Any:
        """JSON form of a value, by reference where it must be."""
        return encode(value, self._export)

    def unpack(self, form: Any) -> Any:
        """Value of a JSON form; raises `PeerLost` when it is malformed."""
        try:
            return decode(form, self)
        except WireError as error:
            raise PeerLost(str(error)) from None

    def handle(self, operation: str, operands: list[Any], named: dict[str, Any]) -> Any:
        """Apply a requested operation, only to objects the other side was given and never to
        private names: a callback passed as argument must not open the way to the tests."""
        if self._exported.get(id(operands[0])) is not operands[0]:
            raise TypeError("operations reach only objects that were passed across")
        if operation.endswith("attr"):
            self.require_permitted(operation, *operands)
        return OPERATIONS[operation](*operands, **named)

    def require_permitted(self, operation: str, target: Any, name: str, *values: Any) -> None:  # noqa: ARG002
        """Raise where the other side may not read or change an attribute of an object."""
        if str(name).startswith("_"):
            raise AttributeError("private names cannot be reached across")

    def printed(self, texts: Any) -> None:
        """What the other side printed since its last message."""

    def take_printed(self) -> Any:
        """What this side printed since its last message, for the other side."""
        return None

    def refuse_to_extend(self) -> None:
        """Refuse to derive a class from one of the other side."""
        raise Unsupported("the tests derive a class from one of the code's")

    def _value(self, message: dict[str, Any], args: tuple[Any, ...]) -> Any:
        same = message.get("same")
        changed = self.unpack(message.get("changed", ["d", []]))
        if not self.keep_arguments:
            _write_back(args, changed)
            if isinstance(same, int) and 0 <= same < len(args):
                return args[same]
        return self.unpack(message.get("value"))

    def _serve(self, message: dict[str, Any]) -> None:
        operands, named = self.unpack(message.get("on")), self.unpack(message.get("named"))
        before = [encode_or_none(operand) for operand in operands[1:]]
        try:
            value = self.handle(str(message.get("do")), operands, named)
            reply = {"value": self.pack(value)}
            changed = {
                index: operand
                for index, operand in enumerate(operands[1:])
                if isinstance(operand, _MUTABLE) and encode_or_none(operand) != before[index]
            }
            if changed:
                reply["changed"] = self.pack(changed)
            for index, operand in enumerate(operands[1:]):
                if operand is value and isinstance(value, _MUTABLE):
                    reply["same"] = index
        except (PeerLost, Unsupported):
            raise
        except BaseException as error:  # sys.exit of the code under test included
            reply = self._description(error)
        self._send(reply)

    def _export(self, value: Any) -> Any:
        own = behind(value)
        if isinstance(own, Remote):
            return ["yours", key_of(own)]
        self._exported[id(value)] = value
        kind = "class" if isinstance(value, type) else "object"
        return ["mine", id(value), "coroutine" if inspect.iscoroutine(value) else kind]

    def resolve(self, tag: str, key: Any) -> Any:
        """A `Remote` for an object of the other side, the object itself for one of this side."""
        if tag == "yours":
            return self._exported[key[0]]
        number, kind = key
        remote = self._remotes.get(number)
        if remote is None:
            remote = self._remotes[number] = Remote(self, number, str(kind))
        return _coroutine(remote) if kind == "coroutine" else remote

    def valued(self, value: Any, key: Any) -> Any:
        """The base value, which alone is compared, with the object behind it."""
        tag, *rest = key
        return self.resolve(tag, rest) if tag == "yours" else valued(value, self.resolve(tag, rest))

    def array(self, dtype: str, shape: list[int] | None, items: list[Any]) -> Any:
        """A numpy array, as the other side has one; nested lists where numpy is missing here."""
        try:
            numpy = importlib.import_module("numpy")
        except ImportError:
            return nested_lists(dtype, shape, items)
        made = numpy.array(items, dtype=numpy.dtype(dtype))
        return made[0] if shape is None else made.reshape(shape)

    def _description(self, error: BaseException) -> dict[str, Any]:
        kinds = [[kind.__module__, kind.__name__] for kind in type(error).__mro__]
        attributes = {
            name: value
            for name, value in getattr(error, "__dict__", {}).items()
            if not name.startswith("_") and encode_or_none(value) is not None
        }
        args = encode_or_none(error.args)
        text = _message(error)
        return {"raise": kinds, "args": args, "message": text, "named": self.pack(attributes)}

    def _error(self, message: dict[str, Any], operation: str) -> BaseException:
        text = str(message.get("message"))[:MESSAGE_CHARS]
        kinds = [(str(module), str(name)) for module, name in message["raise"]]
        for module, name in kinds:
            kind = self.errors.get(name) or _standard_error(module, name)
            if kind is None or (_ends_iteration(kind) and operation != "next"):
                continue
            return self._made(kind, message, text)
        return RuntimeError(f"{kinds[0][1] if kinds else 'error'}: {text}")

    def _made(self, kind: type[BaseException], message: dict[str, Any], text: str) -> BaseException:
        args = self.unpack(message.get("args"))
        error = kind.__new__(kind)
        error.args = args if isinstance(args, tuple) else (text,)
        named = self.unpack(message.get("named"))
        for name, value in named.items() if isinstance(named, dict) else ():
            if not str(name).startswith("_"):
                setattr(error, str(name), value)
        if isinstance(error, SystemExit):
            error.code = error.args[0] if error.args else None
        if isinstance(error, ImportError):
            error.name = None  # a name would say that the tests themselves lack a module
        return error

    def _send(self, message: dict[str, Any]) -> None:
        printed = self.take_printed()
        if printed:
            message = {**message, "out": printed}
        try:
            self._writer.write(json.dumps(message).encode() + b"\n")
            self._writer.flush()
        except OSError:
            raise PeerLost("the code under test ended its process") from None

    def _receive(self) -> dict[str, Any]:
        line = self._reader.readline()
        if not line:
            raise PeerLost("the code under test ended its process")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not _names_kinds(message.get("raise", [])):
            raise PeerLost("the code under test broke the protocol")
        return message


def _names_kinds(kinds: Any) -> bool:
    return isinstance(kinds, list) and all(isinstance(k, list) and len(k) == 2 for k in kinds)


def _standard_error(module: str, name: str) -> type[BaseException] | None:
    """An exception class of the standard library that this side has loaded."""
    if module.split(".")[0] not in sys.stdlib_module_names - _RUNNERS:
        return None
    kind = getattr(sys.modules.get(module, builtins), name, None)
    if isinstance(kind, type) and issubclass(kind, (Exception, SystemExit)):
        return kind
    return None


def _ends_iteration(kind: type[BaseException]) -> bool:
    """Raised by a call, it would end a loop or a `map` of the tests as if nothing was left."""
    return issubclass(kind, (StopIteration, StopAsyncIteration))


async def _coroutine(remote: Remote) -> Any:
    return await remote


def encode_or_none(value: Any) -> Any:
    """JSON form of a plain value, None for one that is not plain."""
    try:
        return encode(value)
    except WireError:
        return None


def _message(error: BaseException) -> str:
    try:
        return str(error)[:MESSAGE_CHARS]
    except Exception:
        return ""


def _write_back(args: tuple[Any, ...], changed: Any) -> None:
    """Give containers that were passed as arguments the contents the callee left in them."""
    for index, value in changed.items() if isinstance(changed, dict) else ():
        target = args[index] if isinstance(index, int) and 0 <= index < len(args) else None
        if isinstance(target, list | bytearray) and isinstance(value, type(target)):
            target[:] = value
        elif isinstance(target, dict | set) and isinstance(value, type(target)):
            target.clear()
            target.update(value)
