"""A child of the zygote: it prepares a place of its own, waits, and becomes one program.

Its text is handed to the zygote, which makes it a module; it imports nothing of purpcode. Prepared
means: in a mount namespace with `/proc` and memory-backed folders of its own, under the system-call
filter. Then it waits for one message, which carries the standard streams, the report and the
program (`forked_tree.packed_program`). Only then it gives up every privilege, lays out the files
and takes the limits. Once the zygote lets it start, the report gets `1`.

Every page a child writes to, if only to count a reference, is copied from the zygote's. So what can
be worked out before the fork is.
"""

# pathlib costs time in every child
# ruff: noqa: PTH103, PTH120
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import atexit
import ctypes
import gc
import os
import resource
import struct
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHANNEL = 3
"""A child's descriptor of its own channel."""
_NEW_MOUNTS, _NOSUID_NODEV_NOEXEC, _NOSUID_NODEV = 0x00020000, 14, 6
_FILES = 16384  # an empty file costs a kilobyte of kernel memory, which no size limits
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _FILTER_MODE = 4, 22, 2
_SET_FILTER, _NEW_LISTENER = 1, 8
_CONTINUES_SINCE = (5, 5)  # version of Linux
_CAPABILITY_HEADER, _NO_CAPABILITIES = struct.pack("=Ii", 0x20080522, 0), bytes(24)
_ONE, _RIGHTS = struct.Struct("=i"), struct.Struct("=5i")
_RIGHTS_SPACE = _socket.CMSG_SPACE(_RIGHTS.size)
_COUNTS, _LIMIT, _FILE = struct.Struct("=III"), struct.Struct("=iq"), struct.Struct("=II")
_MOST_READ = 1 << 16
_MOST_HELD, _UNUSED_TOP = 1 << 12, 1 << 17  # what malloc asks of the kernel beyond its need
_EMPTY_BYTES, _POOL, _POOL_HEADER = sys.getsizeof(b""), 1 << 14, 64  # of CPython's allocator

_libc = ctypes.PyDLL(None, use_errno=True)
_unshare, _mount, _prctl, _capset = _libc.unshare, _libc.mount, _libc.prctl, _libc.capset
_syscall = _libc.syscall


def check(result: int, what: str) -> int:
    """The result of a C function; raises the error it left."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


class Plan:
    """What every child of a zygote does, worked out before any is forked."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.main: str = settings["main"]
        self.main_name = os.path.basename(self.main)  # noqa: PTH119
        self.folder: str = settings["folder"]
        self.uid: int = settings["uid"]
        self.mounts = [(b"proc", b"/proc", _NOSUID_NODEV_NOEXEC, b"")]
        for path, size in settings["folders"]:
            options = f"mode=1777,size={size},nr_inodes={_FILES}"
            self.mounts.append((b"tmpfs", path.encode(), _NOSUID_NODEV, options.encode()))
        version = tuple(int(word) for word in os.uname().release.split(".")[:2] if word.isdigit())
        self.notes = version >= _CONTINUES_SINCE
        self._kept: list[Any] = []
        self.filter = self._filter_program(settings["filter"])
        self.noting_filter = self._filter_program(settings["noting_filter"])
        self.seccomp = ctypes.c_long(settings["seccomp"])
        self.inherited: frozenset[str] = frozenset(sys.modules)
        self.last_module = next(reversed(sys.modules))

    def _filter_program(self, text: str) -> ctypes.c_void_p:
        """The address of a `struct sock_fprog`."""
        rules = bytes.fromhex(text)
        held = ctypes.create_string_buffer(rules)
        program = ctypes.create_string_buffer(
            struct.pack("HP", len(rules) // 8, ctypes.addressof(held))
        )
        self._kept += [held, program]
        return ctypes.c_void_p(ctypes.addressof(program))


def fill_holes() -> list[object]:
    """Use up the free places between what the zygote holds; they are to be kept.

    The children's own small objects then lie side by side on fresh pages, not in places on pages
    that would each have to be copied. Both ways end early where memory is managed differently.
    """
    held: list[object] = []
    malloc, sbrk = _libc.malloc, _libc.sbrk
    malloc.restype = sbrk.restype = ctypes.c_void_p
    top = (sbrk(ctypes.c_long(0)) or 0) - _UNUSED_TOP
    most = _MOST_HELD
    for size in range(1032, 8, -16):
        while most and (malloc(ctypes.c_size_t(size)) or top) < top:
            most -= 1
    for size in range(512, 32, -16):
        for _ in range(_MOST_HELD // 8):
            held.append(bytes(size - _EMPTY_BYTES))
            if id(held[-1]) % _POOL < _POOL_HEADER:  # the first in a fresh pool
                break
    return held


def prepare(plan: Plan) -> None:
    """Give this process, the second of its pid namespace, what is its own; then say so."""
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, CHANNEL)
    try:
        os.setpgid(0, 1)
        check(_unshare(_NEW_MOUNTS), "unshare")
        for kind, path, flags, options in plan.mounts:
            if _mount(kind, path, kind, flags, options) < 0:
                check(-1, f"mount {kind.decode()} on {path.decode()}")
        os.chdir(plan.folder)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        listener = _filter_calls(plan)
    except BaseException as error:
        channel.send(f"failed {error}".encode())
        os._exit(1)
    if listener < 0:
        channel.send(b"ready")
    else:
        rights = _socket.SOL_SOCKET, _socket.SCM_RIGHTS, _ONE.pack(listener)
        channel.sendmsg((b"ready",), (rights,))
        os.close(listener)
    channel.detach()


def _filter_calls(plan: Plan) -> int:
    """Take the system-call filter; the descriptor on which it tells of some calls, or -1."""
    if plan.notes:
        listener: int = _syscall(plan.seccomp, _SET_FILTER, _NEW_LISTENER, plan.noting_filter)
        if listener >= 0:
            return listener
    check(_prctl(_PR_SET_SECCOMP, _FILTER_MODE, plan.filter, 0, 0), "seccomp")
    return -1


def receive(plan: Plan) -> tuple[int, bytes]:
    """Wait for a program, take its place; the descriptor of its report and the program's text."""
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, CHANNEL)
    message, ancillary, _, _ = channel.recvmsg(16, _RIGHTS_SPACE)
    if not message:
        os._exit(0)
    first, second, third, report, program = _RIGHTS.unpack(ancillary[0][2])
    os.dup2(first, 0)
    os.dup2(second, 1)
    os.dup2(third, 2)
    uid = plan.uid
    if uid >= 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    check(_capset(_CAPABILITY_HEADER, _NO_CAPABILITIES), "capset")
    check(_prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # else every program would draw the same numbers
    source = _lay_out(plan, program)
    if not channel.recv(16):  # the zygote's word to start
        os._exit(0)
    channel.detach()
    return report, source


def _lay_out(plan: Plan, program: int) -> bytes:
    """Write the program's files, then take its limits; the text of its main file."""
    data = os.pread(program, _MOST_READ, 0)
    size, limits, files = _COUNTS.unpack_from(data)
    if size > _MOST_READ:
        data = os.pread(program, size, 0)
    at = _COUNTS.size + limits * _LIMIT.size
    source = b""
    name_at = at + files * _FILE.size
    for entry in range(at, name_at, _FILE.size):
        name_length, length = _FILE.unpack_from(data, entry)
        path = data[name_at : name_at + name_length].decode("utf-8", "surrogatepass")
        name_at += name_length
        _copy(program, path, size, length)
        if path == plan.main_name:
            source = os.pread(program, length, size)
        size += length
    for entry in range(_COUNTS.size, at, _LIMIT.size):
        number, value = _LIMIT.unpack_from(data, entry)
        resource.setrlimit(number, (value, value))
    return source


def _copy(program: int, path: str, at: int, length: int) -> None:
    """Write a stretch of the program's memory file to a file of its folder."""
    if "/" in path:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    while length:
        part = os.pread(program, min(length, _MOST_READ), at)
        if not part:
            raise OSError(f"the memory file ends within {path}")
        done = os.write(target, part)
        at, length = at + done, length - done
    os.close(target)


def main_module(plan: Plan) -> dict[str, Any]:
    """A fresh `__main__`, as the interpreter makes it for a file."""
    main = types.ModuleType("__main__")
    main.__file__ = plan.main
    main.__loader__ = sys.__spec__.loader
    names = vars(main)
    names["__builtins__"] = sys.modules["builtins"]
    names["__annotations__"] = {}
    sys.modules["__main__"] = main
    sys.argv[:] = [plan.main]
    sys.path.insert(0, plan.folder)
    return names


def exit_code(error: BaseException) -> int:
    """What the interpreter does with an exception that nobody caught: its exit code."""
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            code = error.code or 0
            return (code if code.bit_length() < 64 else -1) & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    own = error.__traceback__
    traceback = own.tb_next if own else None  # without the frame that started the program
    try:
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    except BaseException as second:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, traceback)
    return -_signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def finish(code: int, main: dict[str, Any], plan: Plan) -> None:
    """End as the interpreter does, but leave alone what was inherited from the zygote.

    Waits for threads, runs exit handlers, drops the program's modules (which flushes and finalizes
    their objects) and flushes. Tearing down the standard library would copy every page of it.
    """
    threading = sys.modules.get("threading")
    if threading:
        threading._shutdown()
    atexit._run_exitfuncs()
    code = code if _flush() else 120
    for name in _new_modules(plan):
        del sys.modules[name]
    main.clear()
    gc.collect()
    _flush()
    if code < 0:
        _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _new_modules(plan: Plan) -> list[str]:
    """What the program imported, in the order of its import."""
    found = []
    for name in reversed(sys.modules):
        if name == plan.last_module:  # before it lies what was inherited: not even its names
            break
        if name not in plan.inherited:
            found.append(name)
    found.reverse()
    return found


def _flush() -> bool:
    done = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            done = False
    return done
