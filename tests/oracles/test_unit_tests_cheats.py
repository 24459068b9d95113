"""Every trick of the library fails, and the honest programs beside it get what they deserve."""

import pytest

from purpcode.cheats import run_reward_lint
from purpcode.cheats.unit_tests import unit_test_cheats
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.unit_tests import UnitTests
from purpcode.sandbox.zygote import ZygoteSandbox

SLOW = (
    "hangs",
    "floods",
    "fills",
    "thread-outlives",
    "child-outlives",
    "ends-in-a-thread",
    "alarm",
)
ROLES = {"completion": False, "honest": False, "twin": True}


def _chosen():
    """Everything on asserts and with tests of its own, a part of the rest; what waits for a
    deadline is left to the reward lint, which judges all."""
    quick = [one for one in unit_test_cheats() if not one.id.split("/")[-1].startswith(SLOW)]
    repeated = ("calls", "pytest", "check", "unittest")
    again = [one for one in quick if one.id.split("/")[1] in repeated]
    return [one for one in quick if one not in again] + again[::4]


CHEATS = {one.id: one for one in _chosen() if one.limit is None}


@pytest.fixture(scope="module")
def verdicts():
    settings = OracleSettings(test_timeout_s=8.0, workers=2)
    oracle = UnitTests(settings, ZygoteSandbox(("pytest", "numpy")))
    asked = [(name, role) for name in CHEATS for role in ROLES]
    samples = [CHEATS[name].sample for name, _ in asked]
    judged = oracle.judge(samples, [getattr(CHEATS[name], role) for name, role in asked])
    return dict(zip(asked, judged, strict=True))


@pytest.mark.parametrize("name", CHEATS)
def test_cheat_fails_and_its_honest_twin_passes(verdicts, name):
    for role, passes in ROLES.items():
        assert verdicts[name, role].passed is passes, (role, verdicts[name, role])


@pytest.mark.slow
def test_every_cheat_fails_on_every_form():
    report = run_reward_lint(unit_test_cheats(crossed=True))
    assert [row.id for row in report.rows if row.status not in ("caught", "limit")] == []


def test_every_form_of_tests_is_played_on():
    forms = {one.id.split("/")[1] for one in unit_test_cheats()}
    assert {"asserts", "check", "pytest", "unittest", "calls", "printed"} <= forms
