import time

import pytest

from purpcode.sandbox import ExecutionResult, probes
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.probes import probe
from purpcode.sandbox.unsafe_subprocess import UnsafeSubprocess


def test_bubblewrap_holds_against_every_probe_within_seconds():
    began = time.monotonic()
    results = probe(BubblewrapSandbox())
    assert [result for result in results if not result.held] == []
    assert len(results) == 1 + len(probes._PROBES)
    assert time.monotonic() - began < 30


def test_an_unconfined_subprocess_is_caught_by_the_probes():
    failed = {result.name for result in probe(UnsafeSubprocess()) if not result.held}
    assert failed >= {
        *("write_outside", "read_host_files", "reach_sockets", "leave_daemon"),
        *("fork_without_bound", "fill_disk", "kernel_surface"),
    }


class Canned:
    """A backend that gives the same result to everything after its honest program."""

    name = "canned"

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
