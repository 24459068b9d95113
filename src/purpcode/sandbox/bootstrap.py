"""First code of the sandbox's own interpreter: take the limits, then become the program.

Its text is handed to the inner interpreter with `-c`; it imports nothing of purpcode. Arguments:
the descriptor to report the start on, the uid to become (-1: stay), the Python program's path,
then `RLIMIT_NAME=value` for each limit; a program of another language is a `--` and the command
that replaces this interpreter. It writes one byte to the descriptor once the limits hold, so the
supervisor can tell a program that failed from a sandbox that never started it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import resource
import sys

TYPE_CHECKING = False  # importing `typing` costs start-up time here
if TYPE_CHECKING:
    from types import CodeType


def _confine(report: int, uid: int, limits: list[str]) -> None:
    os.umask(0o022)
    # Who starts a job in the background has it ignore this, which programs would inherit.
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    if uid >= 0:
        _own_files(uid)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    for limit in limits:
        name, _, value = limit.partition("=")
        resource.setrlimit(getattr(resource, name), (int(value), int(value)))
    os.write(report, b"1")
    os.closerange(3, 1 << 20)


def _own_files(uid: int) -> None:
    """Give the program its folder's files, but not what is mounted there."""
    device = os.lstat(".").st_dev
    for folder, folders, files in os.walk("."):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118
            if os.lstat(path).st_dev == device:
                os.chown(path, uid, uid, follow_symlinks=False)


def _become(path: str) -> CodeType:
    """Make this the module of the program's main file; returns its code."""
    with open(path, "rb") as handle:  # noqa: PTH123 - pathlib costs start-up time here
        source = handle.read()
    program = globals()
    for name in [name for name in program if not name.startswith("__")]:
        del program[name]
    program["__file__"], program["__doc__"] = path, None
    return compile(source, path, "exec", dont_inherit=True)


if __name__ == "__main__":
    if "--" in sys.argv:
        end = sys.argv.index("--")
        command = sys.argv[end + 1 :]
        if not os.access(command[0], os.X_OK):
            sys.exit(f"{command[0]} cannot be executed")
        _confine(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:end])
        # A binary the kernel refuses has failed: the tools ran an honest program before, and a
        # source may name its own loader, so that it would be unmeasured whenever it likes.
        os.execv(command[0], command)
    _confine(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:])
    sys.argv[:] = [sys.argv[3]]
    sys.path[0] = os.path.dirname(sys.argv[0])  # noqa: PTH120
    exec(_become(sys.argv[0]))  # here: recursion limits then leave a program what they usually do
