import json
import time
from pathlib import Path

import pytest

from purpcode.sandbox import ExecutionResult, Program, probe_bait, probes
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.probe_bait import VARIABLE, lay_bait, survivors
from purpcode.sandbox.probes import probe
from purpcode.sandbox.unsafe_subprocess import UnsafeSubprocess

ONLY_FOR_ROOT = {"read_system_files", "devices", "mount", "gain_privilege"}
LIMITED_ANYWAY = {
    *("runs_programs", "exceed_memory", "exceed_memory_by_many", "exceed_shared_memory"),
    *("flood_output", "outstay_deadline"),
}


def test_bubblewrap_holds_against_every_probe_within_seconds():
    began = time.monotonic()
    results = probe(BubblewrapSandbox())
    assert [result for result in results if not result.held] == []
    assert len(results) == 1 + len(probes.PROBES)
    assert time.monotonic() - began < 30


def test_an_unconfined_subprocess_is_caught_by_every_probe_it_has_no_limit_for():
    """Each probe can fail: it catches a backend that prevents nothing."""
    held = {result.name for result in probe(UnsafeSubprocess()) if result.held}
    assert held - ONLY_FOR_ROOT == LIMITED_ANYWAY


def test_a_descriptor_can_be_found_even_if_only_the_bait_holds_one():
    """What else runs on a machine does not decide whether a backend holds."""
    with lay_bait() as bait:
        bait.victim.kill()
        held = Path(f"/proc/{bait.neighbour.pid}/fd").iterdir()
        assert bait.folder in [path.resolve() for path in held]


def test_probing_leaves_nothing_behind():
    with lay_bait() as bait:
        folder, home, sleepers = bait.folder, bait.home, (bait.victim, bait.neighbour)
        assert [sleeper.poll() for sleeper in sleepers] == [None, None]
        assert bait.reached() == bait.written() == []
    assert None not in [sleeper.poll() for sleeper in sleepers]
    assert not folder.exists()
    assert not home.exists()
    assert VARIABLE not in Path("/proc/self/environ").read_text()
    assert survivors(bait.outlive_marker) == []


def test_programs_are_not_told_the_token_they_must_not_find():
    with lay_bait() as bait:
        assert bait.token not in bait.told()
        assert json.loads(bait.told())["mark"] == bait.mark


def test_what_was_reached_or_written_is_seen_outside():
    import socket

    with lay_bait() as bait, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", bait.sockets["loopback UDP"].getsockname())
        (bait.folder / "new").write_text("x")
        bait.home.write_text("changed")
        assert bait.reached() == ["loopback UDP"]
        assert bait.written() == ["new", str(bait.home)]


def test_the_first_process_of_a_sandbox_is_out_of_reach():
    """It has the caller's limits: who writes its memory is rid of the program's."""
    code = "import os; print(os.listdir('/proc/1')); open('/proc/1/mem', 'r+b')"
    result = BubblewrapSandbox().run(Program(code=code))
    assert (result.status, result.stdout) == ("failed", "[]\n")


class Canned:
    """A backend that gives the same result to everything after its honest program."""

    name = "canned"
    packages = ()

    def __init__(self, result):
        self.result = result

    def run(self, program):
        return ExecutionResult(status="passed", stdout="ran in\n")

    def run_many(self, programs, workers=0):
        return [self.result for _ in programs]


@pytest.mark.parametrize(
    "result",
    [
        ExecutionResult(status="sandbox_error", evidence={"error": "broken"}),
        ExecutionResult(status="failed", stderr="SyntaxError"),
    ],
)
def test_a_probe_that_did_not_run_proves_nothing(result):
    held = [item.name for item in probe(Canned(result)) if item.held]
    assert held == ["runs_programs"]


def test_a_backend_that_runs_nothing_fails_at_once():
    class Dead(Canned):
        def run(self, program):
            return self.result

    dead = Dead(ExecutionResult(status="sandbox_error", evidence={"error": "no namespaces"}))
    (only,) = probe(dead)
    assert (only.held, only.detail) == (False, "no namespaces")


def test_a_probe_that_stops_halfway_proves_nothing():
    class Halfway(Canned):
        def run(self, program):
            return honest if program.stdin == "in" else self.result

    honest = ExecutionResult(status="passed", stdout="ran in\n")
    stopped = ExecutionResult(status="failed", stdout="ran\n", stderr="ImportError: no ctypes")
    assert [item.name for item in probe(Halfway(stopped)) if item.held] == ["runs_programs"]


def test_probes_that_cannot_be_set_up_prove_nothing(monkeypatch):
    def no_loopback(*_):
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(probe_bait.socket, "create_server", no_loopback)
    _, only = probe(BubblewrapSandbox())
    assert (only.held, only.required) == (False, True)
    assert "Cannot assign" in only.detail


def test_a_server_elsewhere_is_asked_for_what_concerns_this_machine():
    class Remote(Canned):
        remote = True

    blank = ExecutionResult(status="passed", stdout="ran\nend\n")
    results = {item.name: item for item in probe(Remote(blank))}
    assert results["write_outside"].required
    assert not results["kernel_surface"].required
    unseen = results["leave_daemon"]
    assert (unseen.held, unseen.detail) == (False, "cannot be seen from this machine")
