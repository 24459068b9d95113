"""First code of the sandbox's own interpreter: take the limits, then become the program.

Its text is handed to the inner interpreter with `-c`; it imports nothing of purpcode. Arguments:
the descriptor to report the start on, the uid to become (-1: stay), the program's path, then
`RLIMIT_NAME=value` for each limit. It writes one byte to the descriptor once the limits hold, so
the supervisor can tell a program that failed from a sandbox that never started it.
"""

import os
import resource
import sys


def _confine(report: int, uid: int, limits: list[str]) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    for limit in limits:
        name, _, value = limit.partition("=")
        resource.setrlimit(getattr(resource, name), (int(value), int(value)))
    os.write(report, b"1")
    os.closerange(3, 1 << 20)


def _become(path: str) -> None:
    with open(path, "rb") as handle:  # noqa: PTH123 - pathlib costs start-up time here
        source = handle.read()
    program = globals()
    for name in [name for name in program if not name.startswith("__")]:
        del program[name]
    program["__file__"] = path
    exec(compile(source, path, "exec", dont_inherit=True), program)


if __name__ == "__main__":
    _confine(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:])
    sys.argv[:] = [sys.argv[3]]
    sys.path[0] = os.path.dirname(sys.argv[0])  # noqa: PTH120
    _become(sys.argv[0])
