import json

import pytest

from purpcode.commands.doctor_sandbox import doctor_sandbox
from purpcode.errors import InputError
from purpcode.sandbox import registry
from purpcode.sandbox.probes import ProbeResult


@pytest.fixture
def results(monkeypatch):
    """The probe results every backend has."""
    given = [
        ProbeResult(name="write_outside", held=True, detail="nothing"),
        ProbeResult(name="mount", held=False, detail="\x1b[31mmount", required=False),
    ]
    monkeypatch.setattr(registry, "probe_results", lambda _: tuple(given))
    return given


def test_every_probe_of_a_backend_is_shown(capsys):
    doctor_sandbox("bubblewrap")
    shown = capsys.readouterr().out
    assert "bubblewrap: holds" in shown
    assert "✗" not in shown
    for name in ("runs_programs", "read_host_files", "fork_without_bound", "new_namespaces"):
        assert name in shown
    assert "Usable: bubblewrap." in shown


def test_what_is_not_required_is_shown_as_not_held(results, capsys):
    doctor_sandbox("bubblewrap")
    shown = capsys.readouterr().out
    assert "✗" in shown
    assert "the server's own matter" in shown
    assert "\x1b[31mmount" not in shown


def test_no_backend_that_holds_exits_with_1(results, capsys):
    results.append(ProbeResult(name="devices", held=False, detail="made one"))
    with pytest.raises(SystemExit) as caught:
        doctor_sandbox("bubblewrap", json=True)
    assert caught.value.code == 1
    whole = json.loads(capsys.readouterr().out)
    assert (whole["holds"], whole["backends"][0]["holds"]) == (False, False)
    assert whole["backends"][0]["probes"][-1]["detail"] == "made one"
    assert set(whole["languages"]) == {"c", "cpp", "javascript"}


def test_a_backend_that_is_missing_says_why_and_the_others_are_shown(monkeypatch, capsys):
    monkeypatch.delenv("PURPCODE_SANDBOX_FUSION", raising=False)
    doctor_sandbox("sandbox_fusion", "bubblewrap", json=True)
    whole = json.loads(capsys.readouterr().out)
    missing, present = whole["backends"]
    assert "PURPCODE_SANDBOX_FUSION" in missing["fault"]
    assert (missing["holds"], present["holds"], whole["holds"]) == (False, True, True)


def test_an_address_that_is_none_is_wrong_usage():
    with pytest.raises(InputError, match="not the address"):
        doctor_sandbox("sandbox_fusion:nonsense")


def test_an_unknown_backend_is_refused_before_any_is_tried(results):
    with pytest.raises(InputError, match="no sandbox named 'docker'"):
        doctor_sandbox("bubblewrap", "docker")
