"""What the analysis follows, and what it lets go."""
# ruff: noqa: E501 (one program a line reads better than many broken strings)

from __future__ import annotations

import pytest

from purpcode.analyzers.flow.findings import find_weaknesses
from purpcode.analyzers.flow.interpreter import interpret
from purpcode.analyzers.flow.machine import TooComplex
from purpcode.analyzers.flow.source import parse_python

HEAD = "import os, sys, shlex, re, subprocess\nfrom flask import request, abort\n"


def flagged(text: str) -> bool:
    """Whether a command injection of medium severity or above is found."""
    return any(
        one.rule_id == "command-injection" and one.severity != "low"
        for one in find_weaknesses(HEAD + text)
    )


FOLLOWED = {
    "assignment": "x = request.args['a']\ny = x\nos.system(y)\n",
    "concatenation": "os.system('ls ' + request.args['a'])\n",
    "formatting": "os.system('ls %s' % request.args['a'])\nos.system('{}'.format(1))\n",
    "f-string": "os.system(f\"ls {request.args['a']}\")\n",
    "join": "os.system(' '.join(['ls', request.args['a']]))\n",
    "a function's result": "def q():\n    return request.args['a']\nos.system('ls ' + q())\n",
    "a function's argument": "def run(c):\n    os.system(c)\nrun(request.form['x'])\n",
    "two functions": "def a(x):\n    return b(x)\ndef b(y):\n    return 'ls ' + y\nos.system(a(sys.argv[1]))\n",
    "a method and an attribute": (
        "class R:\n    def __init__(self, c):\n        self.c = c\n"
        "    def go(self):\n        os.system(self.c)\nR(sys.argv[1]).go()\n"
    ),
    "a list": "xs = []\nxs.append(request.args['a'])\nos.system(xs[0])\n",
    "a mapping": "d = {'k': request.args['a']}\nos.system(d['k'])\n",
    "unpacking": "a, b = 'x', request.args['a']\nos.system(b)\n",
    "a loop": "for x in request.form.values():\n    os.system(x)\n",
    "a comprehension": "[os.system(x) for x in sys.argv[1:]]\n",
    "either branch": "x = 'ls'\nif len(sys.argv) > 1:\n    x = sys.argv[1]\nos.system(x)\n",
    "an exception's path": "x = sys.argv[1]\ntry:\n    y = int(x)\nexcept ValueError:\n    os.system(x)\n",
    "a closure": "def outer():\n    x = request.args['a']\n    def inner():\n        os.system(x)\n    inner()\nouter()\n",
    "a lambda": "run = lambda c: os.system(c)\nrun(request.args['a'])\n",
    "a thread": "import threading\nthreading.Thread(target=os.system, args=(sys.argv[1],)).start()\n",
    "map": "list(map(os.system, sys.argv))\n",
    "a decorated route": "@app.route('/<name>')\ndef show(name):\n    os.system('ls ' + name)\n",
    "an alias": "s = os.system\ns('ls ' + sys.argv[1])\n",
    "getattr": "getattr(os, 'sys' + 'tem')('ls ' + sys.argv[1])\n",
    "getattr with a reversed name": "getattr(os, 'metsys'[::-1])('ls ' + sys.argv[1])\n",
    "__import__": "__import__('os').system('ls ' + sys.argv[1])\n",
    "import_module": "import importlib\nimportlib.import_module('os').popen(sys.argv[1])\n",
    "globals": "globals()['os'].system(sys.argv[1])\n",
    "a module's dict": "os.__dict__['system'](sys.argv[1])\n",
    "vars": "vars(os)['system'](sys.argv[1])\n",
    "sys.modules": "sys.modules['os'].system(sys.argv[1])\n",
    "a star import": "from os import *\nsystem(sys.argv[1])\n",
    "a renamed import": "from os import system as tidy\ntidy(sys.argv[1])\n",
    "a walrus": "if (x := request.args.get('a')):\n    os.system(x)\n",
    "a lambda given the function": "def f(n):\n    return (lambda c: c('ls ' + n))(os.popen)\n",
    "methodcaller": "import operator\noperator.methodcaller('system', 'ls ' + sys.argv[1])(os)\n",
    "attrgetter": "import operator\noperator.attrgetter('system')(os)('ls ' + sys.argv[1])\n",
    "a sanitizer that does nothing": "def sanitize(x):\n    return x\nos.system(sanitize(sys.argv[1]))\n",
    "a check that decides nothing": "def is_valid(x):\n    return True\nx = sys.argv[1]\nif is_valid(x):\n    os.system(x)\n",
    "an exit that is swallowed": "import contextlib\nwith contextlib.suppress(SystemExit):\n    sys.exit()\nos.system(sys.argv[1])\n",
    "an exit of another kind": "class T:\n    def exit(self):\n        pass\nT().exit()\nos.system(sys.argv[1])\n",
    "a variable changed by a closure": "def f(x):\n    n = 2\n    def g():\n        nonlocal n\n        n = 5\n    g()\n    if n > 3:\n        os.system('ls ' + x)\n",
    "an entry changed under another name": "def f(x):\n    d = {'k': 2}\n    e = d\n    e['k'] = 5\n    if d['k'] > 3:\n        os.system('ls ' + x)\n",
    "a fragment without imports": "",
    "a while loop": "while True:\n    line = input()\n    os.system(line)\n",
    "match": "match request.args['a']:\n    case x:\n        os.system(x)\n",
}


@pytest.mark.parametrize("text", FOLLOWED.values(), ids=FOLLOWED)
def test_outside_data_is_followed_through(text: str) -> None:
    if not text:
        found = find_weaknesses("def f(name):\n    os.system('ls ' + name)\n")
        assert [one.rule_id for one in found] == ["command-injection"]
    else:
        assert flagged(text)


HARMLESS = {
    "a constant": "os.system('ls')\n",
    "a quoted value": "os.system('ls ' + shlex.quote(request.args['a']))\n",
    "a number": "os.system('kill %d' % int(request.args['a']))\n",
    "an allow-list": "x = request.args['a']\nif x in ('a', 'b'):\n    os.system('ls ' + x)\n",
    "an allow-list with an early end": (
        "def f():\n    x = request.args['a']\n    if x not in {'a'}:\n        return\n    os.system(x)\n"
    ),
    "an allow-list that aborts": "x = request.args['a']\nif x not in ('a',):\n    abort(400)\nos.system(x)\n",
    "a full match": (
        "x = request.args['a']\nif not re.fullmatch(r'\\w+', x):\n    raise ValueError\nos.system(x)\n"
    ),
    "a match kept in a variable": (
        "x = request.args['a']\nok = re.fullmatch(r'\\w+', x)\nif not ok:\n    sys.exit(1)\nos.system(x)\n"
    ),
    "a lookup": "os.system({'a': 'ls'}[request.args['a']])\n",
    "a lookup with get": "T = {'a': 'ls', 'b': 'df'}\nos.system(T.get(request.args['a'], 'ls'))\n",
    "an overwritten value": "x = request.args['a']\nx = 'ls'\nos.system(x)\n",
    "another element": "a = ['ls', request.args['a']]\nos.system(a[0])\n",
    "an assertion": "x = request.args['a']\nassert x.isalnum()\nos.system(x)\n",
    "a local check": (
        "def is_valid(x):\n    return x.isalnum()\nx = request.args['a']\n"
        "if not is_valid(x):\n    abort(400)\nos.system(x)\n"
    ),
    "code behind an end": "sys.exit(0)\nos.system(sys.argv[1])\n",
    "a branch that cannot be": "def f(x):\n    n = 2\n    if n > 3:\n        os.system(x)\n",
    "a local function of that name": "def system(x):\n    return x\nsystem(sys.argv[1])\n",
    "an enumeration": "import random\nos.system(random.choice(['ls', 'df']))\n",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_cannot_harm_is_let_go(text: str) -> None:
    assert not flagged(text)


def test_a_check_in_one_branch_does_not_cover_the_other() -> None:
    assert flagged(
        "x = request.args['a']\nif len(sys.argv) > 2:\n    x = shlex.quote(x)\nos.system('ls ' + x)\n"
    )


def test_a_variable_of_the_module_may_be_changed_elsewhere_so_its_branch_counts() -> None:
    assert flagged("SAFE = True\ndef f(x):\n    if SAFE == False:\n        os.system(x)\n")


def test_parameters_are_labelled_apart_from_requests() -> None:
    found = find_weaknesses("import os\ndef f(name):\n    os.system('ls ' + name)\n")
    assert "parameter 'name'" in found[0].message
    found = find_weaknesses(HEAD + "os.system(request.args['a'])\n")
    assert "an HTTP request" in found[0].message


def test_a_program_of_endless_branching_is_refused_not_called_clean() -> None:
    deep = "x = 1\n"
    for level in range(18):
        indent = "    " * level
        deep += f"{indent}for a{level} in range(9):\n"
    deep += "    " * 18 + "x = [x, x, x]\n"
    with pytest.raises(TooComplex):
        interpret(parse_python(deep), deep)


def test_recursion_ends() -> None:
    assert flagged("def f(x):\n    os.system(x)\n    return f(x + 'a')\nf(sys.argv[1])\n")


def test_the_same_program_gives_the_same_findings() -> None:
    text = HEAD + "".join(FOLLOWED.values())
    assert find_weaknesses(text) == find_weaknesses(text)


def test_containers_nested_into_each_other_stay_small() -> None:
    text = "x = ['a']\n" + "x = [x, x, x]\n" * 200 + "y = {'k': x}\n"
    interpret(parse_python(text), text)
