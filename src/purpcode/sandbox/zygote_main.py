"""The zygote: an interpreter that waits in its own namespaces and forks itself once per program.

Its text is handed to the inner interpreter with `-c`; it imports nothing of purpcode. It never
reads a program: that comes in a memory file, over a socket that only the forked child reads, so one
program's code is never in the memory another is forked from. Per program there are fresh pid and
mount namespaces with two processes: pid 1 only holds the pid namespace; pid 2 becomes the program
(`zygote_child.py`). It is forked and prepared while the program before it still runs.

A network and an ipc namespace serve one program after another for as long as none of them has made
a socket or a message queue: the system-call filter tells of the first, and what was forked into the
namespaces by then is thrown away with them.

Messages on the channel (descriptor 3): the settings, answered by `{"threads", "shared", "failed"}`;
then `child` with a child's socket and pidfds of pid 1 and 2, followed by the next after each `run`.
At a `run`, the child that has been sent its program gets the word to start. Once it has ended with
all it started, `ended` tells its wait status, and whether the child prepared meanwhile is thrown
away (`1`); `failed` tells what a child could not set up.
"""

# pathlib costs time in every child, contextlib with every program
# ruff: noqa: PTH123, PTH208, SIM105
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import ctypes
import fcntl
import gc
import importlib
import json
import os
import select
import struct
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHANNEL = 3
_NEW_PID, _NEW_SHARED = 0x20000000, 0x40000000 | 0x08000000  # net, ipc
_CLONE_VM, _CLONE_PIDFD = 0x100, 0x1000
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _AMBIENT_CLEAR = 4, 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_SIOCSIFFLAGS, _UP_RUNNING = 0x8914, 0x41
_NOTIFICATION, _ANSWER = 80, struct.Struct("=QqiI")  # sizes of Linux 5.0; both only ever grow
_RECEIVE_NOTIFICATION, _SEND_ANSWER, _CONTINUE = ctypes.c_ulong(0xC0502100), 0xC0182101, 1

_REHEARSAL = """
import math
from typing import List
class Kind(Exception):
    def __init__(self, name: str, size=1) -> None:
        self.name, self.size = name, size
def mean(values: List[float], *rest, **named) -> float:
    if not values or len(values) < 1:
        raise ValueError("none")
    kept = {key: [*each] for key, each in enumerate(zip(values, values)) if each[0] >= 0}
    total = 0
    for at, value in enumerate(sorted(values, key=lambda each: -each)):
        total += value * (at + 1) // 2 % 7
    while total > 10 and kept:
        total, digit = divmod(total, 10)
    return round(total / len(values), 2)
try:
    assert mean([3, 1, 2]) >= 0, "less"
    assert math.isclose(mean([1.5]), mean([1.5])) and "a,b".split(",")[0] == f"{'a'}".lower()
    mean([])
except (ValueError, Kind) as error:
    str(error)
"""
"""What programs are made of. Compiled and run once before any fork, so that what the interpreter
makes for it (syntax classes, caches of types) is not made in every child."""

_libc = ctypes.PyDLL(None, use_errno=True)
_pause = ctypes.cast(_libc.pause, ctypes.c_void_p)
_stacks = [ctypes.create_string_buffer(1 << 14) for _ in range(2)]
"""Of the first processes, which share this memory: one of a running program, one of the next."""
_tops = [ctypes.c_void_p((ctypes.addressof(stack) + len(stack)) & ~0xF) for stack in _stacks]
_note = ctypes.create_string_buffer(_NOTIFICATION)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _keep_capabilities() -> None:
    """Drop what could be inherited over an exec, keep what namespaces need."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, data), "capget")
    low, low_permitted, _, high, high_permitted, _ = struct.unpack("=6I", data.raw)
    kept = struct.pack("=6I", low, low_permitted, 0, high, high_permitted, 0)
    _check(_libc.capset(header, kept), "capset")


def _prepare(settings: dict[str, Any]) -> dict[str, Any]:
    """Make this process unreadable and unable to pass on a capability; import what is asked."""
    os.umask(0o022)
    for number in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break
    _check(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0), "ambient capabilities")
    _keep_capabilities()
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    failed = []
    for name in settings["preload"]:
        try:
            importlib.import_module(name)
        except BaseException:
            failed.append(name)
    exec(compile(_REHEARSAL, "rehearsal", "exec"), {"__name__": "rehearsal"})
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # pid 1 ignores what it has no handler for
    with open("/proc/self/maps") as maps:  # what programs would share with each other
        shared = [line.split()[-1] for line in maps if line.split()[1][1::2] == "ws"]
    return {"failed": failed, "threads": len(os.listdir("/proc/self/task")), "shared": shared}


class _Child:
    """A program's two processes, and our ends of what leads to them."""

    def __init__(self, first: int, first_fd: int) -> None:
        self.first, self.first_fd = first, first_fd
        self.socket = self.program = self.program_fd = self.listener = -1

    def start(self) -> None:
        """Let the program begin, which has been sent to the child or will be soon."""
        try:
            os.write(self.socket, b"start")
        except OSError:
            pass  # the child has ended already, which is seen next

    def end(self) -> int:
        """Wait for the program, end its namespace and all that is left there; the wait status."""
        try:
            status = os.waitpid(self.program, 0)[1]
        except ChildProcessError:  # it ended before it was a program
            status = _signal.SIGKILL
        _signal.pidfd_send_signal(self.first_fd, _signal.SIGKILL)
        os.waitpid(self.first, 0)
        for descriptor in (self.first_fd, self.program_fd, self.socket, self.listener):
            if descriptor >= 0:
                os.close(descriptor)
        return status

    def learn(self) -> bytes:
        """Take what the child says once it is prepared: nothing, or why it could not."""
        socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, self.socket)
        try:
            message, ancillary, _, _ = socket.recvmsg(1 << 10, _socket.CMSG_SPACE(4))
        except ConnectionResetError:  # it ended without reading the word to start; said first
            message, ancillary, _, _ = socket.recvmsg(1 << 10, _socket.CMSG_SPACE(4))
        socket.detach()
        if ancillary:
            (self.listener,) = struct.unpack("=i", ancillary[0][2])
        return b"" if message == b"ready" else bytes(message)


class _Zygote:
    def __init__(self, channel: _socket.socket) -> None:
        self._channel = channel
        self._home = os.open("/proc/self/ns/pid", os.O_RDONLY)

    def serve(self) -> None:
        """Keep a prepared child; run one program per message. Returns only in a child."""
        following = self._fork(self._new_pid_namespace())
        while following:
            if not self._channel.recv(16):
                os._exit(0)
            running, following = following, self._new_pid_namespace()
            running.start()
            if not self._fork(following):
                return
            said = running.learn()
            if said:
                self._channel.send(said)
            made = self._watch(running)
            self._channel.send(b"ended %d %d" % (running.end(), made))
            if made:
                _signal.pidfd_send_signal(following.first_fd, _signal.SIGKILL)
                following.end()
                _renew_namespaces()
                following = self._fork(self._new_pid_namespace())

    def _fork(self, child: _Child) -> _Child | None:
        """Fork a child, of which the other side is told at once; None within it."""
        child.socket, theirs = _socket_pair()
        child.program = os.fork()
        if child.program == 0:
            os.dup2(theirs, _CHANNEL)
            os.closerange(_CHANNEL + 1, 1 << 20)
            return None
        _check(_libc.setns(self._home, _NEW_PID), "setns")
        os.close(theirs)
        child.program_fd = os.pidfd_open(child.program)
        told = struct.pack("=3i", child.socket, child.first_fd, child.program_fd)
        self._channel.sendmsg((b"child",), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, told),))
        return child

    def _new_pid_namespace(self) -> _Child:
        """Make a pid namespace for the next fork, with its first process.

        That process only pauses. It shares this one's memory instead of copying it, reaps orphans
        by ignoring their end, and leads a process group that kill(0) of a program reaches instead
        of ours. No program may run meanwhile: for a moment this process ignores its children's end,
        too, and would lose their status.
        """
        pidfd = ctypes.c_int(-1)
        _tops.reverse()
        _check(_libc.unshare(_NEW_PID), "unshare pid")
        _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
        flags = _CLONE_VM | _CLONE_PIDFD | _signal.SIGCHLD
        first = _check(_libc.clone(_pause, _tops[0], flags, None, ctypes.byref(pidfd)), "clone")
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        os.setpgid(first, first)
        return _Child(first, pidfd.value)

    def _watch(self, child: _Child) -> bool:
        """Wait for a program's end, or end everything with the supervisor.

        Whether the program may have made something in the namespaces that it shares with the next.
        """
        made = child.listener < 0
        poll = select.poll()
        for descriptor in (self._channel.fileno(), child.program_fd, child.listener):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            noted = ready.get(child.listener, 0)
            if noted & select.POLLIN:
                made = True
                _answer(child.listener)
            elif noted:  # nobody is left who could make a call
                poll.unregister(child.listener)
            if child.program_fd in ready:
                return made
            if self._channel.fileno() in ready:  # the supervisor left
                os._exit(0)  # all below this pid namespace dies too


def _socket_pair() -> tuple[int, int]:
    one, other = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    return one.detach(), other.detach()


def _answer(listener: int) -> None:
    """Let a noted system call go on.

    Its arguments, which are the program's to choose, leave no copy for children to inherit.
    """
    try:
        _check(_libc.ioctl(listener, _RECEIVE_NOTIFICATION, _note), "notification")
        answer = _ANSWER.pack(*struct.unpack_from("=Q", _note), 0, 0, _CONTINUE)
        fcntl.ioctl(listener, _SEND_ANSWER, answer)
    except FileNotFoundError:
        pass  # who made the call was killed meanwhile, or interrupted
    ctypes.memset(_note, 0, _NOTIFICATION)


def _renew_namespaces() -> None:
    """Leave the network and ipc namespaces for new ones, whose loopback works."""
    _check(_libc.unshare(_NEW_SHARED), "unshare")
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP_RUNNING))
    any_socket.close()


def _module(text: str) -> Any:
    made = types.ModuleType("zygote_child")
    exec(compile(text, "zygote_child", "exec"), vars(made))
    return made


if __name__ == "__main__":
    del sys.path[0]
    if int(sys.argv[1]) != _CHANNEL:
        os.dup2(int(sys.argv[1]), _CHANNEL)
        os.close(int(sys.argv[1]))
    _channel = _socket.socket(fileno=_CHANNEL)
    _settings = json.loads(_channel.recv(1 << 17))
    _child = _module(_settings.pop("child"))
    _state = _prepare(_settings)
    _plan = _child.Plan(_settings)
    gc.collect()
    _held = _child.fill_holes()
    gc.freeze()  # children neither traverse nor copy what they inherit
    _channel.send(json.dumps(_state).encode())
    _zygote = _Zygote(_channel)
    _zygote.serve()
    _channel.detach()
    _child.prepare(_plan)
    _report, _source = _child.receive(_plan)
    _main = _child.main_module(_plan)
    _code = 0
    os.write(_report, b"1")  # from here on, what goes wrong is the program's
    os.closerange(_CHANNEL, 1 << 20)
    try:
        # At module level: the program starts as few frames deep as the bootstrap's.
        exec(compile(_source, _plan.main, "exec", dont_inherit=True), _main)
    except BaseException as _error:
        _code = _child.exit_code(_error)
    _child.finish(_code, _main, _plan)
