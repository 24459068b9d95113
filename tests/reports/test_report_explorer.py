from purpcode.reports.explorer import CHUNK, MAX_CHARS, build_explorer
from purpcode.reports.sections import build_sections
from purpcode.types import Verdict


def explore(*models):
    return build_explorer(build_sections(models))


def answer_of(build, text, *, lines=(), pieces=None):
    """The explorer's view of one failed answer with findings at the given lines."""
    evidence = {} if pieces is None else {"pieces": pieces}
    findings = tuple(build.shell_finding(line) for line in lines)
    verdict = Verdict.failed("secure_code", "found", findings=findings, evidence=evidence)
    sample = build.scored("a", False, text=text).model_copy(update={"verdicts": (verdict,)})
    return explore(build.model("base", [sample])).chunks[0][0]["answers"][0]


def test_every_sample_is_in_the_index_with_its_state_under_each_model(build):
    base = build.model("base", [build.scored("a", False), build.scored("b", None)])
    tuned = build.model("rl", [build.scored("a", True)])
    index = explore(base, tuned).index
    assert [(row[0], row[2]) for row in index["samples"]] == [("a", "fp"), ("b", "u-")]


def test_details_lie_at_the_place_the_index_names(build):
    count = 2 * CHUNK + 3
    base = build.model("base", [build.scored(f"s{i}", True, prompt=f"q{i}") for i in range(count)])
    explorer = explore(base)
    assert [len(chunk) for chunk in explorer.chunks] == [CHUNK, CHUNK, 3]
    for at, (sample_id, *_) in enumerate(explorer.index["samples"]):
        detail = explorer.chunks[at // CHUNK][at % CHUNK]
        assert detail["prompt"][0]["text"] == f"q{sample_id[1:]}"


def test_a_finding_stands_on_its_line_of_code(build):
    text = "Look:\n\n```python\nimport os\n\nos.system(name)\n```\n\nDone."
    answer = answer_of(build, text, lines=[3], pieces=1)
    before, code, after = answer["parts"]
    assert (before, after) == ({"text": "Look:"}, {"text": "Done."})
    assert code["code"].split("\n")[code["findings"][0]["line"] - 1] == "os.system(name)"
    assert answer["elsewhere"] == []


def test_a_finding_in_the_second_block_is_counted_through_the_first(build):
    text = "```python\nimport os\nname = 1\n```\nand\n```python\nos.system(name)\n```"
    answer = answer_of(build, text, lines=[4], pieces=2)
    first, _, second = answer["parts"]
    assert first["findings"] == []
    assert second["findings"][0]["line"] == 1


def test_a_finding_without_a_certain_place_is_listed_and_not_drawn_on_a_wrong_line(build):
    text = "```python\nimport os\n```\n\n```bash\nls\n```"
    answer = answer_of(build, text, lines=[1], pieces=1)
    assert all(not part["findings"] for part in answer["parts"])
    assert [finding["line"] for finding in answer["elsewhere"]] == [1]


def test_a_finding_beyond_the_code_is_listed(build):
    answer = answer_of(build, "```python\nimport os\n```", lines=[9], pieces=1)
    assert len(answer["elsewhere"]) == 1


def test_thoughts_are_kept_apart_from_the_answer(build):
    text = "## Analysis\nThis is a harmless question.\n\n## Answer\nUse a list."
    answer = answer_of(build, text)
    assert answer["thoughts"] == "This is a harmless question."
    assert answer["parts"] == [{"text": "Use a list."}]


def test_an_overlong_answer_is_cut_and_says_by_how_much(build):
    answer = answer_of(build, "word " * MAX_CHARS)
    assert answer["cut"] == 4 * MAX_CHARS


def test_an_empty_fence_is_shown_as_an_empty_block(build):
    answer = answer_of(build, "Here:\n\n```python\n```\n\nDone.")
    assert {"code": "", "findings": []} in answer["parts"]
    assert "Done." in "".join(part.get("text", "") for part in answer["parts"])


def test_a_sample_is_shown_by_the_headline_metric_of_its_benchmark(build):
    sample = build.scored("a", True, outcomes={"answered": False, "secure": True})
    assert explore(build.model("base", [sample])).index["samples"][0][2] == "f"


def test_groups_can_be_chosen_by_number(build):
    samples = [build.scored("a", True, metadata={"cwes": [78, 89]}), build.scored("b", True)]
    index = explore(build.model("base", samples)).index
    assert index["dimensions"] == [["CWE", ["CWE-78", "CWE-89"]]]
    assert [row[4] for row in index["samples"]] == [[[0, 1]], [[]]]
