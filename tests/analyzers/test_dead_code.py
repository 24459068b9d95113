"""What can never run is no work; whatever may run is."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.dead_code import without_dead_code
from purpcode.analyzers.fixed_values import UnknownValueError, value_of
from purpcode.analyzers.working_code import has_working_code

WORK = "def f(a):\n    return sorted(a)"
NEVER = {
    "if False": "if False:\n    {work}",
    "if 0": "if 0:\n    {work}",
    "if an empty text": "if '':\n    {work}",
    "if an empty list": "if []:\n    {work}",
    "if None": "if None:\n    {work}",
    "if not True": "if not True:\n    {work}",
    "if a false comparison": "if 1 > 2:\n    {work}",
    "if a false sum": "if 2 - 2:\n    {work}",
    "if the length of nothing": "if len(''):\n    {work}",
    "if and": "if False and g():\n    {work}",
    "if and, reversed": "if g() and False:\n    {work}",
    "else of True": "if True:\n    pass\nelse:\n    {work}",
    "TYPE_CHECKING": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {work}",
    "typing.TYPE_CHECKING": "import typing\nif typing.TYPE_CHECKING:\n    {work}",
    "not debug": "if not __debug__:\n    {work}",
    "another main": "if __name__ == 'never':\n    {work}",
    "a name bound once": "DRAFT = None\nif DRAFT:\n    {work}",
    "while 0": "while 0:\n    {work}",
    "while False": "while False:\n    {work}",
    "for of nothing": "for _ in ():\n    {work}",
    "for of range(0)": "for _ in range(0):\n    {work}",
    "an unneeded handler": "try:\n    pass\nexcept Exception:\n    {work}",
    "a case that does not match": "match 1:\n    case 2:\n        {work}",
    "after raise": "raise SystemExit\nif g():\n    {work}",
    "after sys.exit": "import sys\nsys.exit()\nif g():\n    {work}",
    "after exit": "exit()\nif g():\n    {work}",
    "after an endless loop": "while True:\n    pass\nif g():\n    {work}",
    "after a false assertion": "assert False\nif g():\n    {work}",
    "after branches that all leave": "if x:\n    raise A\nelse:\n    raise B\nif g():\n    {work}",
    "after a try that leaves": "try:\n    raise A\nexcept A:\n    raise B\nif g():\n    {work}",
    "after a finally": "try:\n    pass\nfinally:\n    raise B\nif g():\n    {work}",
}
IDLE_FUNCTIONS = [
    "def f(a):\n    return None\n    b = a + 1\n    return b * 2",
    "def f(a):\n    raise NotImplementedError\n    return sorted(a)",
    "def f(a):\n    False and sorted(a)",
    "def f(a):\n    True or sorted(a)",
    "def f(a):\n    return a and False and sorted(a)",
    "def f(a):\n    return sorted(a) if False else None",
    "def f(a):\n    return [sorted(b) for b in []]",
    "def f(a):\n    for b in a:\n        continue\n        sorted(b)",
    "def f(a):\n    while True:\n        break\n        sorted(a)",
    "def f(a):\n    def g():\n        return sorted(a)\n    return None",
    "def f(a):\n    lambda: sorted(a)",
    "f = lambda a: None",
    "def f(a):\n    flag = False\n    if flag:\n        return sorted(a)",
    "def f(a):\n    return None\n    yield from sorted(a)",
    "class A:\n    def f(self, a):\n        return\n        self.a = a",
    "def f(a):\n    try:\n        return None\n    except ValueError:\n        pass",
    "def f(a):\n    with a:\n        pass",
    "LIMIT = 3\ndef f(a):\n    pass",
    "class A:\n    limit = 3\n    def f(self, a):\n        pass",
]
HONEST = [
    "import sys\ndef main():\n    print(input())\nsys.exit(main())",
    "def main():\n    print(input())\nif __name__ == '__main__':\n    main()",
    "if __name__ == '__main__':\n    print(input())",
    f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\n{WORK}",
    "if not TYPE_CHECKING:\n    print(input())",
    "def f(a):\n    if not a:\n        return None\n    return sorted(a)",
    "def f(a):\n    if a is None:\n        raise ValueError\n    return sorted(a)",
    "def f(a, debug=False):\n    if debug:\n        print(a + 1)",
    "DEBUG = False\ndef f(a):\n    global DEBUG\n    if DEBUG:\n        print(a + 1)",
    "done = False\nwhile not done:\n    done = input() == 'q'",
    "from settings import *\nDEBUG = False\nif DEBUG:\n    print(input())",
    "try:\n    import a\nexcept ImportError:\n    import b as a\nprint(a.loads(input()))",
    "def f(a):\n    try:\n        return int(a)\n    except ValueError:\n        return None",
    "def f(a):\n    while True:\n        if a.pop():\n            break\n    return sorted(a)",
    "def f(a):\n    for b in a:\n        while True:\n            break\n    return sorted(a)",
    "def f(a):\n    try:\n        raise A\n    except A:\n        pass\n    return sorted(a)",
    "def f(a):\n    def g(b):\n        return b + 1\n    return map(g, a)",
    "def f(app):\n    @app.route('/')\n    def g():\n        return render()",
    "def f(a):\n    for b in a:\n        return b",
    "class A(ABC):\n    @abstractmethod\n    def f(self): ...\n"
    "class B(A):\n    def f(self):\n        return input()",
    "def exit():\n    pass\nexit()\nprint(input())",
    "f = lambda a: sorted(a)",
    "def f(a):\n    return a and len(a)",
    "def f(a):\n    match a:\n        case 1:\n            return 'one'",
    "items = []\nfor b in input():\n    items.append(b)\nfor c in items:\n    print(c + '!')",
    "def f(a):\n    return a or 'none'",
    "with open('a') as file:\n    pass",
    "LIMIT = 3\nNAMES = ['a']",
    "class Settings:\n    limit = 3",
]


def indented(work: str) -> str:
    return work.replace("\n", "\n    ")


@pytest.mark.parametrize("case", NEVER)
def test_work_that_never_runs_is_none(case: str) -> None:
    template = NEVER[case]
    work = indented(WORK) if "match" not in template else WORK.replace("\n", "\n        ")
    assert not has_working_code(template.format(work=work))


@pytest.mark.parametrize("code", IDLE_FUNCTIONS)
def test_functions_whose_work_cannot_be_reached_do_nothing(code: str) -> None:
    assert not has_working_code(code)


@pytest.mark.parametrize("code", HONEST)
def test_code_that_may_run_is_work(code: str) -> None:
    assert has_working_code(code)


@pytest.mark.parametrize("case", NEVER)
def test_working_code_beside_dead_code_stays_working(case: str) -> None:
    template = NEVER[case]
    work = indented(WORK) if "match" not in template else WORK.replace("\n", "\n        ")
    assert has_working_code(f"def other(a):\n    return a + 1\n{template.format(work=work)}")


_PIECES = st.sampled_from(
    ["0", "1", "2", "''", "'a'", "None", "True", "[]", "()", "{}", "x", "f()", "len('a')"]
)
_OPERATORS = st.sampled_from(["and", "or", "==", "<", "in", "+", "%"])
_EXPRESSIONS = st.recursive(
    _PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, _OPERATORS, inner).map(" ".join).map("({})".format),
        inner.map(lambda one: f"(not {one})"),
        inner.map(lambda one: f"[{one}]"),
    ),
    max_leaves=6,
)


@given(_EXPRESSIONS)
def test_a_value_that_is_told_is_as_true_as_the_real_one(text: str) -> None:
    node = ast.parse(text, mode="eval").body
    try:
        told = bool(value_of(node, {}))
    except UnknownValueError:
        return
    for x in (0, 1):
        try:
            real = eval(text, {"x": x, "f": lambda x=x: x})
        except TypeError:
            continue
        assert told is bool(real)


def test_numbers_that_would_take_long_are_left_alone() -> None:
    node = ast.parse("9999999999999 * 9999999999999 * 9999999999999 ** 99999999", mode="eval").body
    with pytest.raises(UnknownValueError):
        value_of(node, {})


def test_live_code_is_left_as_it_is() -> None:
    for code in HONEST[4:8]:
        tree = ast.parse(code)
        before = ast.unparse(tree)
        if "TYPE_CHECKING" not in code:
            assert ast.unparse(without_dead_code(tree)) == before
