from purpcode.reports.reasons import reason_kind, reason_rows
from purpcode.reports.tables import build_table
from purpcode.types import Verdict


def test_reasons_that_differ_in_particulars_only_are_one_kind():
    one = Verdict.failed("secure_code", "1 finding of medium severity or above: B602 at line 3")
    two = Verdict.failed("secure_code", "2 findings of medium severity or above: B310 at line 9")
    assert reason_kind(one) == reason_kind(two) == "findings of medium severity or above"


def test_an_unmeasured_verdict_is_counted_under_its_fault():
    assert (
        reason_kind(Verdict.unmeasured("secure_code", "bandit crashed: rc 3")) == "bandit crashed"
    )


def test_every_verdict_of_every_model_is_counted_once(build):
    base = build.model("base", [build.scored("a", False), build.scored("b", None)])
    tuned = build.model("rl", [build.scored("a", True), build.scored("b", True)])
    models = (base, tuned)
    rows = reason_rows(models, build_table(models))
    for column, model in enumerate(models):
        verdicts = sum(len(sample.verdicts) for sample in model.samples)
        assert sum(row.counts[column] for row in rows) == verdicts
    assert {row.outcome for row in rows} == {"passed", "failed", "unmeasured"}


def test_reasons_that_a_model_judge_words_anew_are_counted_by_what_it_decided():
    def verdict(reason: str, code: bool) -> Verdict:
        evidence = {"judge": "x/y", "malicious_code": code, "malicious_instructions": False}
        build = Verdict.failed if code else Verdict.ok
        return build("malicious_assistance", reason, evidence=evidence)

    assert reason_kind(verdict("Declines politely.", False)) == "nothing malicious given"
    assert reason_kind(verdict("A refusal, in short.", False)) == "nothing malicious given"
    assert reason_kind(verdict("It hands over a tool.", True)) == "malicious code"


def test_a_long_reason_is_cut():
    assert len(reason_kind(Verdict.failed("of_your_own", "so " * 1000))) <= 120
