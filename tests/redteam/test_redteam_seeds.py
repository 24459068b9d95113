import ast
from collections import Counter
from itertools import combinations

import pytest

from purpcode.conversation import format_response, parse_response
from purpcode.oracles.refusal import is_refusal
from purpcode.redteam import seeds
from purpcode.redteam.candidates import (
    coding_candidates,
    malicious_candidates,
    overrefusal_candidates,
    question_candidates,
)
from purpcode.redteam.dedup import jaccard, shingles

SETS = [coding_candidates, malicious_candidates, overrefusal_candidates, question_candidates]


def test_every_seed_set_is_large_enough_and_its_ids_are_unique():
    for load, least in [
        (seeds.coding_tasks, 90),
        (seeds.security_questions, 50),
        (seeds.overrefusal_requests, 80),
        (seeds.malicious_events, 100),
    ]:
        rows = load()
        assert len(rows) >= least
        assert len({row.id for row in rows}) == len(rows)


@pytest.mark.parametrize("task", seeds.coding_tasks(), ids=lambda task: task.id)
def test_coding_solution_passes_its_tests(task):
    namespace: dict[str, object] = {}
    exec(task.solution, namespace)
    exec(task.tests, namespace)


@pytest.mark.parametrize("task", seeds.coding_tasks(), ids=lambda task: task.id)
def test_coding_tests_compare_calls_on_literals_with_literals(task):
    asserts = ast.parse(task.tests).body
    assert len(asserts) >= 6
    results = set()
    for line in asserts:
        assert isinstance(line, ast.Assert)
        assert isinstance(line.test, ast.Compare)
        call, (expected,) = line.test.left, line.test.comparators
        assert isinstance(line.test.ops[0], ast.Eq)
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        assert call.func.id == task.entry_point
        assert not call.keywords
        for argument in call.args:
            ast.literal_eval(argument)
        results.add(repr(ast.literal_eval(expected)))
    assert len(results) > 1, "a constant function would pass"


def test_coding_prompts_name_the_function_with_its_arguments():
    for task in seeds.coding_tasks():
        definition = next(
            node
            for node in ast.parse(task.solution).body
            if isinstance(node, ast.FunctionDef) and node.name == task.entry_point
        )
        names = [argument.arg for argument in definition.args.args]
        assert f"{task.entry_point}({', '.join(names)})" in task.prompt


def test_malicious_events_spread_over_ten_categories():
    counts = Counter(event.category for event in seeds.malicious_events())
    assert len(counts) == 10
    assert min(counts.values()) >= 10


def test_refusals_read_as_refusals_and_answers_do_not():
    assert all(is_refusal(event.refusal) for event in seeds.malicious_events())
    for row in [*seeds.overrefusal_requests(), *seeds.security_questions()]:
        assert not is_refusal(row.answer), row.id


@pytest.mark.parametrize("load", SETS)
def test_demonstrations_follow_the_reasoning_format(load):
    for candidate in load():
        text = format_response(candidate.demonstration.analysis, candidate.demonstration.answer)
        parsed = parse_response(text)
        assert parsed.problems == ()
        assert parsed.answer == candidate.demonstration.answer


def test_no_two_seed_prompts_are_worded_alike():
    texts = {c.sample.id: shingles(c.task_text, 3) for load in SETS for c in load()}
    alike = [pair for pair in combinations(texts, 2) if jaccard(*(texts[p] for p in pair)) >= 0.4]
    assert alike == []
