"""What the kernel holds for a program beyond the program's own memory."""

import os

import pytest

from purpcode.sandbox import Program
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.process_tree import socket_bytes
from purpcode.sandbox.zygote import ZygoteSandbox

FULL_SOCKETS = """
import os, socket, time
for _ in range(12):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                kept.append(socket.socketpair())
        except OSError:
            time.sleep(9)
            os._exit(0)
time.sleep(9)
"""
WITHOUT_FIRST_THREADS = """
import ctypes, os, platform, threading, time
def hold():
    held = bytearray(60 << 20)
    time.sleep(9)
    os._exit(0)
for _ in range(5):
    if os.fork() == 0:
        threading.Thread(target=hold).start()
        ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
time.sleep(9)
"""
LARGER_BUFFERS = """
import socket
one, other = socket.socketpair()
before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
    one.setsockopt(socket.SOL_SOCKET, option, 1 << 22)
assert one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
"""
MANY_CONNECTIONS = """
import socket
pairs = [socket.socketpair() for _ in range(40)]
for one, other in pairs:
    one.sendall(b"x" * 1000)
    assert len(other.recv(1000)) == 1000
"""
MANY_FILES = """
made = 0
try:
    for made in range(40_000):
        open(f'/tmp/{made}', 'w').close()
except OSError as error:
    print(error.errno, made > 5_000)
"""


@pytest.fixture(scope="module", params=[ZygoteSandbox, BubblewrapSandbox])
def sandbox(request):
    return request.param()


def test_sockets_of_many_processes_count_as_memory(sandbox):
    result = sandbox.run(Program(code=FULL_SOCKETS, timeout_s=8.0))
    assert result.status == "oom", result
    assert result.seconds < 6


def test_memory_of_processes_without_their_first_thread_counts(sandbox):
    result = sandbox.run(Program(code=WITHOUT_FIRST_THREADS, memory_mb=200, timeout_s=8.0))
    assert result.status == "oom", result
    assert result.seconds < 6


@pytest.mark.parametrize("code", [LARGER_BUFFERS, MANY_CONNECTIONS], ids=["buffers", "many"])
def test_honest_use_of_sockets_is_not_in_the_way(sandbox, code):
    result = sandbox.run(Program(code=code))
    assert result.status == "passed", result


def test_a_program_of_the_zygote_makes_no_more_files_than_it_may():
    result = ZygoteSandbox().run(Program(code=MANY_FILES))
    assert (result.status, result.stdout) == ("passed", "28 True\n"), result


def test_few_sockets_and_processes_that_are_gone_count_nothing():
    assert socket_bytes([]) == 0
    assert socket_bytes([2**30]) == 0
    assert socket_bytes([2**30, os.getpid()]) >= 0
