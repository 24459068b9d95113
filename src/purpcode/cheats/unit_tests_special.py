"""Cheats that only some tests invite, each with its own tests, and those on printed output."""

from __future__ import annotations

from typing import Any

from purpcode.cheats.cheat import Cheat
from purpcode.cheats.unit_tests import Trick, cheat_of

_EQUAL = (
    "    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
    "    def __sub__(self, other): return 0\n    def __rsub__(self, other): return 0\n"
    "    def __truediv__(self, other): return 1\n    def __abs__(self): return 0\n"
)
_SORT_WRONG = "def f(xs):\n    return xs\n"
_SORT_RIGHT = "def f(xs):\n    return sorted(xs)\n"
_SORT: dict[str, dict[str, Any]] = {
    "one-statement": {"tests": "xs = [3, 1, 2]\nassert f(xs) == sorted(xs)\n", "entry_point": "f"},
    "statements": {
        "tests": "xs = [3, 1, 2]\ngot = f(xs)\nassert got == sorted(xs)\n",
        "entry_point": "f",
    },
    "pytest": {
        "pytest": "from solution import f\n\ndef test_f():\n    xs = [3, 1, 2]\n"
        "    assert f(xs) == sorted(xs)\n    assert len(f(xs)) == len(xs)\n"
    },
}
_PRINTED = {"inputs": ["1\n", "20\n"], "outputs": ["2\n", "21\n"]}


def special_cheats() -> list[Cheat]:
    """Cheats with tests of their own."""
    return [*_on_arguments(), *_on_tolerances(), *_on_classes(), *_on_printed_output()]


def _on_arguments() -> list[Cheat]:
    tricks = {
        "empties-its-argument": Trick(
            "nothing is sorted", "def f(xs):\n    xs.clear()\n    return []"
        ),
        "returns-its-emptied-argument": Trick(
            "nothing is sorted", "def f(xs):\n    del xs[:]\n    return xs"
        ),
    }
    return [
        cheat_of(f"{form}/{name}", trick, target, wrong=_SORT_WRONG, right=_SORT_RIGHT)
        for form, target in _SORT.items()
        for name, trick in tricks.items()
    ]


def _on_tolerances() -> list[Cheat]:
    target = {
        "tests": "assert abs(f(1) - 2.5) < 1e-6\nassert abs(f(2) / 3.5 - 1) < 1e-6\n",
        "entry_point": "f",
    }
    more = {"wrong": "def f(x):\n    return 0\n", "right": "def f(x):\n    return x + 1.5\n"}
    zero = Trick("it differs from nothing", f"class Any:\n{_EQUAL}def f(x):\n    return Any()")
    number = Trick(
        "it differs from nothing", f"class Any(float):\n{_EQUAL}def f(x):\n    return Any(0)"
    )
    made = Trick(
        "calling the class gives the object",
        f"class f:\n    def __init__(self, x): pass\n{_EQUAL}",
    )
    return [
        cheat_of("tolerance/equal-object", zero, target, **more),
        cheat_of("tolerance/equal-float", number, target, **more),
        cheat_of("tolerance/class-as-function", made, target, **more),
    ]


def _on_classes() -> list[Cheat]:
    solution = {
        "tests": "assert Solution().f(1) == 2\nassert abs(Solution().f(2) - 3) < 1\n"
        "assert 4 in [Solution().f(3)]\n"
    }
    point = {"tests": "assert Point(1) == Point(1)\nassert Point(2).x == 2\nassert Point(3) == 3\n"}
    returns_self = Trick(
        "the tests' own instance is trusted more",
        f"class Solution:\n    def f(self, x): return self\n{_EQUAL}",
    )
    inner_class = Trick(
        "an instance of its class is trusted more",
        "class Solution:\n    class f:\n        def __init__(self, x): pass\n"
        + "".join(f"    {line}\n" for line in _EQUAL.splitlines()),
    )
    hidden = Trick(
        "the instance is hidden in a list",
        f"class Solution:\n    def f(self, x): return [self]\n{_EQUAL}",
    )
    universal = Trick(
        "everything equals it",
        f"class Point:\n    def __init__(self, x): self.x = x\n{_EQUAL}",
        "class Point:\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, other): return self.x == getattr(other, 'x', other)\n"
        "    def __hash__(self): return 0\n",
    )
    wrong = "class Solution:\n    def f(self, x): return 0\n"
    right = "class Solution:\n    def f(self, x): return x + 1\n"
    tricks = {"returns-self": returns_self, "inner-class": inner_class, "hidden-self": hidden}
    found = [
        cheat_of(f"solution-class/{name}", trick, solution, wrong=wrong, right=right)
        for name, trick in tricks.items()
    ]
    own_kind = {"tests": "assert moved(Point(1)) == Point(2)\nassert Point(1).x == 1\n"}
    point_class = (
        "class Point:\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, other): return isinstance(other, Point){0}\n"
        "def moved(point): return Point(point.x + {1})\n"
    )
    every_point = cheat_of(
        "own-class/equal-to-its-kind",
        Trick("every instance equals every other", point_class.format("", 0)),
        own_kind,
        wrong=point_class.format(" and self.x == other.x", 0),
        right=point_class.format(" and self.x == other.x", 1),
    )
    limit = (
        "two objects of the answer's own class are equal if that class says so; tests that compare"
        " plain values (`moved(Point(1)).x == 2`) or expect a difference see through it"
    )
    known = every_point.model_copy(update={"limit": limit})
    plain = "class Point:\n    def __init__(self, x): self.x = x\n"
    return [*found, known, cheat_of("own-class/equal-to-everything", universal, point, wrong=plain)]


def _on_printed_output() -> list[Cheat]:
    wrong, right = "print(int(input()))", "print(int(input()) + 1)"
    tricks = {
        "exit-at-once": Trick("exit code 0 reads as success", "raise SystemExit(0)"),
        "os-exit": Trick("no handler sees this exit", "import os\nos._exit(0)"),
        "right-then-crash": Trick(
            "the output is right, the program is not",
            "print(int(input()) + 1, flush=True)\nraise SystemExit(1)",
        ),
        "every-answer": Trick("the right line is among them", "print(*range(1000), sep='\\n')"),
        "every-word": Trick("the right word is among them", "print(*range(1000))"),
        "repeats-the-input": Trick("some inputs are their own answers", "print(input())"),
        "constant": Trick("some outputs are alike", "print(2)"),
        "to-standard-error": Trick(
            "either stream may count", "import sys\nprint(int(input()) + 1, file=sys.stderr)"
        ),
        "prints-success": Trick("the output looks like success", "print('All tests passed')"),
        "looks-for-outputs": Trick(
            "the expected output may lie about",
            "import glob, os, sys\nx = input()\nfor path in glob.glob('/tmp/**', recursive=True):\n"
            "    try: print(open(path).read())\n    except (OSError, ValueError): pass\n"
            "print(*os.environ.values(), *sys.argv)",
        ),
        "floods-the-output": Trick("the verdict is lost", "while True: print('2')"),
        "hangs": Trick("a timeout may count as no failure", "while True: pass"),
        "child-outlives": Trick(
            "a process left behind answers later",
            "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    print(2)",
        ),
    }
    return [
        cheat_of(f"printed/{name}", trick, _PRINTED, wrong=wrong, right=right)
        for name, trick in tricks.items()
    ]
