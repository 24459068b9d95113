"""bandit sees code in a newer grammar than the interpreter's, and nothing else changes."""

from __future__ import annotations

import sys

import pytest

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.bandit import Bandit

NEWER = {
    "nested quotes": "import os\nd = {}\nos.system(f'ls {d['a']}')",
    "type parameters": "def f[T](x: T) -> T:\n    return eval(x)",
    "type alias": "type A = int\nimport pickle\npickle.loads(A)",
    "generic class": "class A[T]:\n    def f(self):\n        exec(self.x)",
    "backslash in a field": "import subprocess\nsubprocess.run(f\"{'\\n'.join(x)}\", shell=True)",
    "suppressed": "import os\nd = {}\nos.system(f'ls {d['a']}')  # nosec",
}
OLDER = [
    "import subprocess\nsubprocess.run(\n    x,\n    shell=True,\n)",
    "password = 'hunter2'\nassert x\ntry:\n    f()\nexcept Exception:\n    pass\n",
    "import hashlib, yaml\nhashlib.md5(b'')\nyaml.load(x)\n",
    "q = 'select * from t where a = %s' % a\nc.execute(q)",
    "class A:\n    def f(self, token='abc'):\n        return lambda: exec(token)\n"
    "async def g(x):\n    async with x as y:\n        assert [eval(z) for z in y if z]\n",
    "import pickle\nmatch pickle.loads(x):\n    case {'password': 'hunter2'}:\n        pass\n",
    "d = {\n    'a': eval(\n        x,\n    ),\n    'b': b'/tmp/x',\n}\nf('/tmp/y', '0.0.0.0')\n",
    "",
]


@pytest.mark.parametrize("code", NEWER.values(), ids=NEWER)
def test_weakness_in_newer_syntax_is_found_at_its_line(code: str) -> None:
    [result] = Bandit(workers=1).analyze([Snippet("a", code)])
    assert result.error is None
    assert [one.line for one in result.findings if one.severity != "low"] == [code.count("\n") + 1]


def test_what_is_python_in_no_grammar_stays_an_error() -> None:
    codes = ["eval(x", "def f[T](x) return x", "x = f'{d['a'}'", "eval(x)"]
    results = Bandit(workers=1).analyze([Snippet(str(row), code) for row, code in enumerate(codes)])
    assert [one.error is None for one in results] == [False, False, False, True]


def test_older_syntax_is_judged_as_by_bandit_itself() -> None:
    snippets = [Snippet(str(row), code) for row, code in enumerate(OLDER)]
    plain = Bandit(workers=1, command=(sys.executable, "-P", "-m", "bandit"))
    assert Bandit(workers=1).analyze(snippets) == plain.analyze(snippets)
