"""The system-call filter of the sandbox, as a classic BPF program for x86_64 and aarch64.

What it denies is kernel surface a test program has no use for: tracing other processes, new
namespaces and mounts, kernel modules, keyrings, bpf, io_uring, memory that no limit counts
(memfd, System V), and socket families other than Unix and IP (the network namespace is empty
anyhow; vsock is in no namespace). Program layout: `seccomp(2)`, `linux/filter.h`; numbers:
`asm/unistd_64.h` and `asm-generic/unistd.h`.
"""

from __future__ import annotations

import platform
import struct

_LOAD, _JUMP, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO, _NOTE = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_SECOND_ARGUMENT_AT, _THIRD_ARGUMENT_AT = 24, 32

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Machine name → AUDIT_ARCH constant."""

X32_BIT = 0x40000000
"""System calls of x86_64's x32 ABI carry this bit; they would slip past a list of numbers."""

NEW_NAMESPACE_FLAGS = 0x7E020080
"""CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET}, as `clone` takes them."""

CLONE_PARENT = 0x00008000
"""A child whose parent is the caller's: of a program's, that is a process outside, which neither
counts its memory nor waits for it. The C library never asks for one."""

ALLOWED_SOCKET_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6."""

DENIED: dict[str, tuple[int, int]] = {
    # name: (x86_64, aarch64); refused with EPERM
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "vhangup": (153, 58),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
}
_X86_ONLY = {"iopl": 172, "ioperm": 173, "modify_ldt": 154, "uselib": 134}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_SOCKET = (41, 198)
_SETSOCKOPT = (54, 208)
_SOL_SOCKET, _BUFFER_SIZES = 1, (7, 8)  # SO_SNDBUF, SO_RCVBUF
_SOCKETPAIR, _MQ_OPEN = (53, 199), (240, 180)
_SECCOMP = (317, 277)
_LEAF = 4


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(errno: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | errno)


def denied_numbers(machine: str) -> dict[str, int]:
    """Name → number of every system call that is refused whatever its arguments."""
    column = list(ARCHITECTURES).index(machine)
    numbers = {name: pair[column] for name, pair in DENIED.items()}
    return numbers | _X86_ONLY if machine == "x86_64" else numbers


def seccomp_number(machine: str | None = None) -> int:
    """The number of `seccomp(2)` itself, for which the C library has no function."""
    return _SECCOMP[list(ARCHITECTURES).index(machine or platform.machine())]


def filter_program(machine: str | None = None, *, noting: bool = False) -> bytes:
    """The filter for a machine (default: this one), as `bwrap --seccomp` reads it.

    With `noting`, calls that make something in a network or ipc namespace (sockets, message
    queues) are allowed only by whoever holds the filter's listener, see `seccomp_unotify(2)`.

    Raises:
        KeyError: for a machine whose system-call numbers are not known.
    """
    machine = machine or platform.machine()
    architecture = ARCHITECTURES[machine]
    column = list(ARCHITECTURES).index(machine)
    made = _NOTE if noting else _ALLOW
    program = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_JUMP_EQ, architecture, if_true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        program += [_instruction(_JUMP_GE, X32_BIT, if_false=1), _instruction(_RETURN, _KILL)]
    program += _refuse_any(sorted(denied_numbers(machine).values()))
    # clone3 hides its flags behind a pointer; ENOSYS makes the C library use clone instead.
    program += [_instruction(_JUMP_EQ, _CLONE3[column], if_false=1), _refuse(_ENOSYS)]
    program += [
        _instruction(_JUMP_EQ, _CLONE[column], if_false=4),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        _instruction(_JUMP_SET, NEW_NAMESPACE_FLAGS | CLONE_PARENT, if_false=1),
        _refuse(_EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    program += _ignore_buffer_sizes(_SETSOCKOPT[column])
    for number in (_SOCKETPAIR[column], _MQ_OPEN[column]):
        program += [_instruction(_JUMP_EQ, number, if_false=1), _instruction(_RETURN, made)]
    families = len(ALLOWED_SOCKET_FAMILIES)
    program += [
        _instruction(_JUMP_EQ, _SOCKET[column], if_false=families + 3),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
    ]
    for index, family in enumerate(ALLOWED_SOCKET_FAMILIES):
        program.append(_instruction(_JUMP_EQ, family, if_true=families - index))
    program += [_refuse(_EAFNOSUPPORT), _instruction(_RETURN, made)]
    return b"".join((*program, _instruction(_RETURN, _ALLOW)))


def _refuse_any(numbers: list[int], after: int = 0) -> list[bytes]:
    """Refuse the calls of these sorted numbers, go on `after` more instructions for any other.

    A search by halves: the kernel tries a new filter on each of its system calls at once.
    """
    if len(numbers) <= _LEAF:
        pairs = [(_instruction(_JUMP_EQ, each, if_false=1), _refuse(_EPERM)) for each in numbers]
        return [*(word for pair in pairs for word in pair), _instruction(_JUMP, after)]
    middle = len(numbers) // 2
    high = _refuse_any(numbers[middle:], after)
    low = _refuse_any(numbers[:middle], after + len(high))
    return [_instruction(_JUMP_GE, numbers[middle], if_true=len(low)), *low, *high]


def _ignore_buffer_sizes(setsockopt: int) -> list[bytes]:
    """Let programs believe that they have set the size of a socket's buffers: no limit counts what
    those hold, so they keep the size that `process_tree.socket_bytes` knows."""
    sending, receiving = _BUFFER_SIZES
    return [
        _instruction(_JUMP_EQ, setsockopt, if_false=7),
        _instruction(_LOAD, _SECOND_ARGUMENT_AT),
        _instruction(_JUMP_EQ, _SOL_SOCKET, if_false=4),
        _instruction(_LOAD, _THIRD_ARGUMENT_AT),
        _instruction(_JUMP_EQ, sending, if_true=1),
        _instruction(_JUMP_EQ, receiving, if_false=1),
        _refuse(0),
        _instruction(_RETURN, _ALLOW),
    ]
