import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.sandbox.seccomp import (
    ALLOWED_SOCKET_FAMILIES,
    ARCHITECTURES,
    X32_BIT,
    denied_numbers,
    filter_program,
)

ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT = 0x7FFF0000, 0x80000000, 0x50001, 0x50026, 0x50061
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
MAKING = {"x86_64": {41, 53, 240}, "aarch64": {198, 199, 180}}  # socket, socketpair, mq_open
NOTE = 0x7FC00000
PRETENDED = 0x50000  # errno 0: the program is told that it worked
machines = pytest.mark.parametrize("machine", list(ARCHITECTURES))


def decide(
    machine: str,
    number: int,
    first_argument: int = 0,
    architecture: int | None = None,
    more: tuple[int, int] = (0, 0),
    noting: bool = False,
):
    """A small interpreter of the classic BPF the filter uses."""
    if architecture is None:
        architecture = ARCHITECTURES[machine]
    data = struct.pack("<IIQQQQ", number, architecture, 0, first_argument, *more)
    program = list(struct.iter_unpack("<HBBI", filter_program(machine, noting=noting)))
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return value
        elif code == 0x05:
            at += value
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[code]
            at += if_true if holds else if_false


@machines
def test_every_denied_system_call_is_refused(machine):
    for name, number in denied_numbers(machine).items():
        assert decide(machine, number) == EPERM, name


@machines
def test_clone3_is_unknown_so_that_the_c_library_uses_clone(machine):
    assert decide(machine, 435) == ENOSYS


@machines
def test_clone_makes_processes_but_no_namespaces(machine):
    assert decide(machine, CLONE[machine], 0x01200011) == ALLOW  # fork
    assert decide(machine, CLONE[machine], 0x003D0F00) == ALLOW  # a thread
    for flag in (0x80, 0x20000, *(1 << bit for bit in range(25, 31))):
        assert decide(machine, CLONE[machine], 0x11 | flag) == EPERM, hex(flag)


@machines
def test_clone_makes_no_process_beside_its_caller(machine):
    assert decide(machine, CLONE[machine], 0x8011) == EPERM


@machines
def test_only_unix_and_ip_sockets_are_allowed(machine):
    for family in range(50):
        expected = ALLOW if family in ALLOWED_SOCKET_FAMILIES else EAFNOSUPPORT
        assert decide(machine, SOCKET[machine], family) == expected, family


@machines
@given(level=st.integers(0, 300), option=st.integers(0, 100))
def test_setting_the_size_of_a_sockets_buffers_is_ignored(machine, level, option):
    sizes = level == 1 and option in (7, 8)
    wanted = PRETENDED if sizes else ALLOW
    assert decide(machine, SETSOCKOPT[machine], 5, more=(level, option)) == wanted
    assert decide(machine, SETSOCKOPT[machine], 5, more=(1, 7)) == PRETENDED
    assert decide(machine, SETSOCKOPT[machine], 5, more=(1, 8)) == PRETENDED


@machines
@given(architecture=st.integers(0, 2**32 - 1))
def test_another_architecture_is_killed(machine, architecture):
    if architecture != ARCHITECTURES[machine]:
        assert decide(machine, 0, architecture=architecture) == KILL


@given(number=st.integers(X32_BIT, 2**32 - 1))
def test_the_x32_calls_of_x86_64_are_killed(number):
    assert decide("x86_64", number) == KILL


@machines
@given(number=st.integers(0, 500), argument=st.integers(0, 2**64 - 1))
def test_a_call_that_is_not_listed_is_allowed(machine, number, argument):
    special = {435, CLONE[machine], SOCKET[machine], *denied_numbers(machine).values()}
    if number not in special:
        assert decide(machine, number, argument) == ALLOW


@machines
@given(number=st.integers(0, 500), argument=st.integers(0, 60))
def test_the_noting_filter_differs_only_in_calls_that_make_sockets_and_queues(
    machine, number, argument
):
    plain = decide(machine, number, argument)
    noted = decide(machine, number, argument, noting=True)
    assert noted == (NOTE if number in MAKING[machine] and plain == ALLOW else plain)
    for made in MAKING[machine]:
        assert decide(machine, made, 1, noting=True) == NOTE


def test_an_unknown_machine_has_no_filter():
    with pytest.raises(KeyError):
        filter_program("m68k")
