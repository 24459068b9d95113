"""What the self-test puts on this machine for its programs to reach, and how it looks afterwards.

Canary files, an environment variable, listening sockets, a sleeping process: all of them the
probing process's own, all gone when it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from purpcode.sandbox.seccomp import ARCHITECTURES, denied_numbers

VARIABLE = "PURPCODE_SANDBOX_PROBE"
_SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/bin", "/nix", sys.base_prefix)


@dataclass
class Bait:
    """What the probes try to reach: canary files, an environment variable, sockets, processes."""

    token: str
    """Content of the canaries, which no program is told."""
    mark: str
    """Public name of this self-test, for what programs try to leave behind."""
    folder: Path
    home: Path
    sockets: dict[str, socket.socket]
    victim: subprocess.Popen[bytes]
    """A process for programs to signal: gone where one of them succeeds."""
    neighbour: subprocess.Popen[bytes]
    """A process for programs to read and trace, which holds an open folder, and stays."""

    def told(self) -> str:
        """What a probe program gets on its standard input, as JSON; the token is not in it."""
        return json.dumps(
            {
                "folder": str(self.folder),
                "home": str(self.home),
                "private": _private_folders(),
                "tcp": list(self.sockets["loopback TCP"].getsockname()),
                "udp": list(self.sockets["loopback UDP"].getsockname()),
                "path": str(self.socket_path),
                "abstract": self.sockets["abstract Unix"].getsockname().decode(),
                "victim": self.victim.pid,
                "neighbour": self.neighbour.pid,
                "victim_marker": self.victim_marker,
                "outlive": self.outlive_marker,
                "outlive_deadline": self.deadline_marker,
                "mark": self.mark,
                "calls": denied_numbers(machine) if (machine := _machine()) else {},
            }
        )

    @property
    def socket_path(self) -> Path:
        """Where the Unix socket with a path lies."""
        return self.folder / "socket"

    @property
    def outlive_marker(self) -> str:
        """Command-line mark of the process that tries to outlive its program."""
        return f"outlive-{self.mark}"

    @property
    def deadline_marker(self) -> str:
        """Command-line mark of the process that tries to outlive its program's deadline."""
        return f"outstay-{self.mark}"

    @property
    def victim_marker(self) -> str:
        """Command-line mark of the process outside that programs try to see and to signal."""
        return f"victim-{self.mark}"

    def written(self) -> list[str]:
        """Files that were written where nothing may be."""
        own = {"canary", "socket"}
        seen = [path.name for path in self.folder.iterdir() if path.name not in own]
        return seen + ([] if self.home.read_text() == self.token else [str(self.home)])

    def reached(self) -> list[str]:
        """Names of the sockets that were reached."""
        found = []
        for name, server in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                if server.type == socket.SOCK_DGRAM:
                    server.recv(1)
                else:
                    server.accept()[0].close()
                found.append(name)
        return found


def survivors(marker: str) -> list[int]:
    """Processes on this machine with a marker on their command line; they are ended."""
    alive = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if marker.encode() in path.read_bytes().split(b"\0"):
                alive.append(int(path.parent.name))
    for pid in alive:  # a probe's own sleeping process
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return alive


@contextlib.contextmanager
def lay_bait() -> Iterator[Bait]:
    """Put everything in place, and take it away."""
    token, mark = secrets.token_hex(16), secrets.token_hex(8)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="purpcode-probe-")))
        folder.chmod(0o777)
        (folder / "canary").write_text(token)
        home = _home_canary(stack, token) or folder / "canary"
        sockets = _listen(stack, folder / "socket", f"\0purpcode-probe-{mark}")
        os.environ[VARIABLE] = token
        stack.callback(os.environ.pop, VARIABLE, None)
        # Started after the variable is set: their environment can be read in /proc, not this one's.
        victim = _start_sleeper(stack, folder, f"victim-{mark}")
        neighbour = _start_sleeper(stack, folder, f"neighbour-{mark}")
        yield Bait(token, mark, folder, home, sockets, victim, neighbour)


def _start_sleeper(
    stack: contextlib.ExitStack, folder: Path, marker: str
) -> subprocess.Popen[bytes]:
    """A process that sleeps and holds an open folder, until the stack is closed."""
    code = "import time; time.sleep(300)"
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        command = [sys.executable, "-S", "-E", "-c", code, marker]
        sleeper = subprocess.Popen(command, pass_fds=(opened,))
    finally:
        os.close(opened)
    stack.callback(sleeper.wait)
    stack.callback(sleeper.kill)
    return sleeper


def _listen(stack: contextlib.ExitStack, path: Path, name: str) -> dict[str, socket.socket]:
    sockets = {
        "loopback TCP": stack.enter_context(socket.create_server(("127.0.0.1", 0))),
        "loopback UDP": stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "path Unix": stack.enter_context(socket.socket(socket.AF_UNIX)),
        "abstract Unix": stack.enter_context(socket.socket(socket.AF_UNIX)),
    }
    sockets["loopback UDP"].bind(("127.0.0.1", 0))
    for kind, address in (("path Unix", str(path)), ("abstract Unix", name)):
        sockets[kind].bind(address)
        sockets[kind].listen()
    path.chmod(0o777)
    for server in sockets.values():
        server.setblocking(False)
    return sockets


def _home_canary(stack: contextlib.ExitStack, token: str) -> Path | None:
    """A canary in the user's home, where the home can be written."""
    try:
        descriptor, name = tempfile.mkstemp(dir=Path.home(), prefix=".purpcode-probe-")
    except (OSError, RuntimeError):
        return None
    os.close(descriptor)
    path = Path(name)
    stack.callback(path.unlink, missing_ok=True)
    path.write_text(token)
    return path


def _private_folders() -> list[tuple[str, int, int]]:
    """(path, device, inode) of folders that must not be visible: the home and the working one."""
    found = []
    with contextlib.suppress(OSError, RuntimeError):
        for path in {Path.home().resolve(), Path.cwd().resolve()}:
            if not any(path.is_relative_to(folder) for folder in _SYSTEM_FOLDERS):
                status = path.stat()
                found.append((str(path), status.st_dev, status.st_ino))
    return found


def _machine() -> str | None:
    machine = platform.machine()
    return machine if machine in ARCHITECTURES else None
