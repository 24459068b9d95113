"""What the shapes of decisions tell, and where a checked value goes."""

from __future__ import annotations

import ast

import pytest

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.interpreter import interpret
from purpcode.analyzers.flow.shapes import (
    answers_requests,
    caught_in,
    functions,
    names_a_check,
    outside_numbers,
    within,
)
from purpcode.analyzers.flow.sinks import sink_values


def _code(text: str) -> Code:
    return interpret(ast.parse(text), text)


@pytest.mark.parametrize(
    "name", ["is_valid", "verify_token", "check_password", "has_permission", "_authenticate"]
)
def test_a_name_that_asks_for_permission_or_validity_is_a_check(name: str) -> None:
    assert names_a_check(name)


@pytest.mark.parametrize("name", ["is_blocked", "check_updates", "load", "is_invalid", "revalue"])
def test_other_names_are_no_checks(name: str) -> None:
    assert not names_a_check(name)


def test_nodes_within_a_function_leave_out_functions_in_it() -> None:
    code = _code("def outer():\n    x = 1\n    def inner():\n        y = 2\n    return x\n")
    outer = next(one for one in functions(code) if one.name == "outer")
    names = {one.id for one in within(outer) if isinstance(one, ast.Name)}
    assert names == {"x"}


def test_views_and_methods_for_verbs_answer_requests_and_others_do_not() -> None:
    code = _code(
        "def view(request, number):\n    pass\n"
        "class Page:\n    def get(self):\n        pass\n    def load(self):\n        pass\n"
        "def helper(value):\n    pass\n"
    )
    answers = {one.name for one in functions(code) if answers_requests(code, one)}
    assert answers == {"view", "get"}


def test_only_what_a_fitting_handler_covers_is_caught() -> None:
    tree = ast.parse("try:\n    a()\nexcept ValueError:\n    b()\nc()\n")
    caught = caught_in(tree, "ValueError")
    calls = {ast.unparse(one): id(one) for one in ast.walk(tree) if isinstance(one, ast.Call)}
    assert calls["a()"] in caught
    assert calls["b()"] not in caught
    assert calls["c()"] not in caught
    assert not caught_in(tree, "KeyError")


def test_numbers_of_a_request_are_parsed_or_declared_without_bounds() -> None:
    code = _code(
        "from fastapi import FastAPI, Query\napp = FastAPI()\n@app.get('/')\n"
        "def page(first: int, text: str, bounded: int = Query(ge=1)):\n"
        "    parsed = int(text)\n    return first\n"
    )
    page = next(functions(code))
    assert outside_numbers(code, page) == {"first", "parsed"}


def test_a_command_is_a_sink_only_where_a_shell_reads_it() -> None:
    code = _code(
        "import subprocess\n"
        "def run(name):\n"
        "    subprocess.run(['ls', name])\n"
        "    subprocess.run('ls ' + name, shell=True)\n"
    )
    assert [call.node.lineno for call, _ in sink_values(code, "command")] == [4]


def test_what_a_model_answers_comes_from_the_network() -> None:
    code = _code(
        "from openai import OpenAI\nclient = OpenAI()\n"
        "def ask(text):\n"
        "    answer = client.chat.completions.create(messages=[])\n"
        "    eval(answer.choices[0].message.content)\n"
    )
    kinds = {one.kind for _, value in sink_values(code, "code") for one in value.taints}
    assert kinds == {"network"}
