"""The zygote: an interpreter that waits in its own namespaces and forks itself once per program.

Its text is handed to the inner interpreter with `-c`; it imports nothing of purpcode. It never
reads a program: that comes in a memory file, whose descriptor only the forked child opens, so one
program's code is never in the memory another is forked from. Per program there are fresh pid,
mount, network and ipc namespaces with two processes: pid 1 only holds the pid namespace; pid 2
mounts what a program has of its own, gives up every privilege and becomes the program.

Messages on the channel (descriptor 3): first the settings, answered by `{"threads", "failed"}`;
then one `run` per program with five descriptors (standard streams, report, program), answered by
`ok` with pidfds of pid 1 and 2. The report gets `1` once the limits hold, then `=` and the wait
status.
"""

# pathlib costs time in every child
# ruff: noqa: PTH103, PTH120, PTH123, PTH208
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import atexit
import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import socket
import struct
import sys
import threading
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHANNEL, _REPORT, _PROGRAM, _FIRST_FREE = 3, 3, 4, 5
_KEPT_FREE = 16  # descriptors below are never handed out, so that dup2 overwrites none in use
_NEW_PID, _NEW_OTHERS = 0x20000000, 0x00020000 | 0x40000000 | 0x08000000  # mount, net, ipc
_CLONE_VM, _CLONE_PIDFD = 0x100, 0x1000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 4, 22, 24, 47
_AMBIENT_CLEAR, _FILTER_MODE = 4, 2
_CAPABILITY_VERSION = 0x20080522
_NOSUID_NODEV_NOEXEC, _NOSUID_NODEV = 14, 6
_FILES = 16384  # an empty file costs a kilobyte of kernel memory, which no size limits
_SIOCSIFFLAGS, _UP_RUNNING = 0x8914, 0x41

_libc = ctypes.PyDLL(None, use_errno=True)
_pause = ctypes.cast(_libc.pause, ctypes.c_void_p)
_stack = ctypes.create_string_buffer(1 << 16)
_stack_top = ctypes.c_void_p((ctypes.addressof(_stack) + len(_stack)) & ~0xF)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _set_capabilities(effective: int, permitted: int) -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    low, high = (effective & 0xFFFFFFFF, permitted & 0xFFFFFFFF), (effective >> 32, permitted >> 32)
    _check(_libc.capset(header, struct.pack("=6I", *low, 0, *high, 0)), "capset")


def _get_capabilities() -> tuple[int, int]:
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, data), "capget")
    words = struct.unpack("=6I", data.raw)
    return words[0] | words[3] << 32, words[1] | words[4] << 32


def _prepare(settings: dict[str, Any]) -> dict[str, Any]:
    """Make this process unreadable and unable to pass on a capability; import what is asked."""
    os.umask(0o022)
    for number in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break
    _check(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0), "ambient capabilities")
    _set_capabilities(*_get_capabilities())
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    failed = []
    for name in settings["preload"]:
        try:
            importlib.import_module(name)
        except BaseException:
            failed.append(name)
    exec(compile("pass", "warm", "exec"), {})  # the first compile makes a hundred syntax classes
    json.loads(json.dumps({"files": [["name", 1.5]]}))
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # pid 1 ignores what it has no handler for
    null = os.open("/dev/null", os.O_RDONLY)
    for number in range(null + 1, _KEPT_FREE):
        os.dup2(null, number)
    gc.collect()
    gc.freeze()  # children neither traverse nor copy what they inherit
    return {"failed": failed, "threads": len(os.listdir("/proc/self/task"))}


def _serve(channel: socket.socket, settings: dict[str, Any]) -> None:
    """Fork once per message. Returns only in a program's process, fully confined."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 16, _FIRST_FREE)
        if not message:
            os._exit(0)
        first, pidfd = _new_pid_namespace()
        program = os.fork()
        if program == 0:
            for target, descriptor in enumerate(descriptors):
                os.dup2(descriptor, target)
            os.closerange(_FIRST_FREE, 1 << 20)
            _enter(settings)
            _confine(settings)
            return
        _check(_libc.setns(home, _NEW_PID), "setns")
        ends = os.pidfd_open(program)
        socket.send_fds(channel, [b"ok"], [pidfd, ends])
        report = descriptors[_REPORT]
        for descriptor in descriptors:
            if descriptor != report:
                os.close(descriptor)
        _watch(channel, (first, pidfd), (program, ends), report)


def _new_pid_namespace() -> tuple[int, int]:
    """Make a pid namespace for the next fork; returns the pid and a pidfd of its first process.

    That process only pauses. It shares this one's memory instead of copying it, reaps orphans by
    ignoring their end, and leads a process group that kill(0) of a program reaches instead of ours.
    """
    pidfd = ctypes.c_int(-1)
    _check(_libc.unshare(_NEW_PID), "unshare pid")
    _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
    flags = _CLONE_VM | _CLONE_PIDFD | _signal.SIGCHLD
    first = _check(_libc.clone(_pause, _stack_top, flags, None, ctypes.byref(pidfd)), "clone")
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    os.setpgid(first, first)
    return first, pidfd.value


def _watch(
    channel: socket.socket, first: tuple[int, int], program: tuple[int, int], report: int
) -> None:
    """Report how a program ended, then end its namespace; or end everything with the supervisor."""
    (first_pid, first_fd), (program_pid, program_fd) = first, program
    poll = select.poll()
    for descriptor in (channel.fileno(), first_fd, program_fd):
        poll.register(descriptor, select.POLLIN)
    poll.poll()
    if not _has_ended(first_fd) and not _has_ended(
        program_fd
    ):  # so it is the channel: the supervisor left
        os._exit(0)  # all below this pid namespace dies too
    status = os.waitpid(program_pid, 0)[1] if _has_ended(program_fd) else None
    if status is not None:
        os.write(report, f"={status}".encode())
    os.close(report)
    _signal.pidfd_send_signal(first_fd, _signal.SIGKILL)
    if status is None:
        os.waitpid(program_pid, 0)
    os.waitpid(first_pid, 0)
    os.close(first_fd)
    os.close(program_fd)


def _has_ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 0)[0])


def _enter(settings: dict[str, Any]) -> None:
    """Give this process, the second of its pid namespace, all other namespaces of its own."""
    os.setpgid(0, 1)
    _check(_libc.unshare(_NEW_OTHERS), "unshare")
    _mount("proc", "/proc", _NOSUID_NODEV_NOEXEC, "")
    for path, size in settings["folders"]:
        _mount("tmpfs", path, _NOSUID_NODEV, f"mode=1777,size={size},nr_inodes={_FILES}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", _UP_RUNNING)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
    os.chdir(settings["folder"])
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _mount(kind: str, path: str, flags: int, options: str) -> None:
    result = _libc.mount(kind.encode(), path.encode(), kind.encode(), flags, options.encode())
    _check(result, f"mount {kind} on {path}")


def _confine(settings: dict[str, Any]) -> None:
    """Pid 2: lay out the program's files, then give up every privilege for good."""
    uid = settings["uid"]
    if uid >= 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    _set_capabilities(0, 0)
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # else every program would draw the same numbers
    at, size = 8, int(os.pread(_PROGRAM, 8, 0))
    header = json.loads(os.pread(_PROGRAM, size, at))
    for path, length in header["files"]:
        _copy(path, at + size, length)
        at += length
    for number, value in header["limits"]:
        resource.setrlimit(number, (value, value))
    rules = settings["filter"]
    program = struct.pack("HP", len(rules) // 8, ctypes.addressof(rules))
    _check(_libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0), "seccomp")


def _copy(path: str, at: int, length: int) -> None:
    """Write a stretch of the program's memory file to a file of its folder."""
    if "/" in path:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    while length:
        done = os.sendfile(target, _PROGRAM, at, length)
        if not done:
            raise OSError(f"the memory file ends within {path}")
        at, length = at + done, length - done
    os.close(target)


def _main_module(path: str) -> dict[str, Any]:
    """A fresh `__main__`, as the interpreter makes it for a file."""
    main = types.ModuleType("__main__")
    main.__file__ = path
    main.__loader__ = sys.__spec__.loader
    names = vars(main)
    names["__builtins__"] = sys.modules["builtins"]
    names["__annotations__"] = {}
    sys.modules["__main__"] = main
    sys.argv[:] = [path]
    sys.path.insert(0, os.path.dirname(path))
    return names


def _source(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _exit_code(error: BaseException) -> int:
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


def _finish(code: int, main: dict[str, Any], inherited: frozenset[str]) -> None:
    """End as the interpreter does, but leave alone what was inherited from the zygote.

    Waits for threads, runs exit handlers, drops the program's modules (which flushes and finalizes
    their objects) and flushes. Tearing down the standard library would copy every page of it.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    code = code if _flush() else 120
    for name in [name for name in sys.modules if name not in inherited]:
        del sys.modules[name]
    main.clear()
    gc.collect()
    _flush()
    if code < 0:
        _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _flush() -> bool:
    done = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            done = False
    return done


if __name__ == "__main__":
    del sys.path[0]
    if int(sys.argv[1]) != _CHANNEL:
        os.dup2(int(sys.argv[1]), _CHANNEL)
        os.close(int(sys.argv[1]))
    _channel = socket.socket(fileno=_CHANNEL)
    _settings = json.loads(_channel.recv(1 << 16))
    _settings["filter"] = ctypes.create_string_buffer(bytes.fromhex(_settings["filter"]))
    _channel.send(json.dumps(_prepare(_settings)).encode())
    _serve(_channel, _settings)
    _channel.detach()
    _inherited = frozenset(sys.modules)
    _path = _settings["main"]
    _main = _main_module(_path)
    _code = 0
    os.write(_REPORT, b"1")  # from here on, what goes wrong is the program's
    os.closerange(_REPORT, 1 << 20)
    try:
        # At module level: the program starts as few frames deep as the bootstrap's.
        exec(compile(_source(_path), _path, "exec", dont_inherit=True), _main)
    except BaseException as _error:
        _code = _exit_code(_error)
    _finish(_code, _main, _inherited)
