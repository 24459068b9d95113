"""The taint models and stubs of this package, on the real Pysa where this machine has it."""

from __future__ import annotations

import json
import re

import pytest

from purpcode.analyzers.analyzer import Snippet
from purpcode.analyzers.pysa import Pysa, _models
from purpcode.analyzers.registry import open_analyzers
from purpcode.analyzers.severity import rule_meanings
from purpcode.errors import UnavailableError

FLOWS = {
    "command-injection": "import os, sys\ndef f():\n    os.system('ls ' + sys.argv[1])",
    "program-arguments": "import subprocess\ndef f():\n    subprocess.run(['ls', input()])",
    "sql-injection": "import sqlite3\nfrom flask import request\ndef f():\n"
    "    sqlite3.connect('a').cursor().execute(f\"select {request.form['a']}\")",
    "code-injection": "import os\ndef f():\n    eval(os.environ['A'])",
    "template-injection": "from flask import request, render_template_string\ndef f():\n"
    "    return render_template_string('<p>%s' % request.args['a'])",
    "path-traversal": "from flask import request\ndef f():\n    open('x/' + request.args['a'])",
    "server-side-request-forgery": "import requests\nfrom flask import request\ndef f():\n"
    "    requests.get(request.json['url'])",
    "deserialisation": "import pickle\nfrom flask import request\ndef f():\n"
    "    pickle.loads(request.get_data())",
    "open-redirect": "from flask import redirect, request\ndef f():\n"
    "    return redirect(request.args['to'])",
    "cross-site-scripting": "from flask import Flask\napp = Flask(__name__)\n"
    "@app.route('/<name>')\ndef f(name):\n    return '<p>' + name",
}
CLEAN = {
    "escaped": "import html\nfrom flask import Flask\napp = Flask(__name__)\n"
    "@app.route('/<name>')\ndef f(name):\n    return '<p>' + html.escape(name)",
    "number": "import os\ndef f():\n    os.system('kill %d' % int(input()))",
    "quoted": "import os, shlex\ndef f():\n    os.system('ls ' + shlex.quote(input()))",
    "parameter of a function": "import os\ndef f(name: str):\n    os.system('ls ' + name)",
}


@pytest.fixture(scope="module")
def pysa() -> Pysa:
    try:
        [opened] = open_analyzers(["pysa"], workers=1)
    except UnavailableError as error:
        pytest.skip(error.message)
    assert isinstance(opened, Pysa)
    return opened


@pytest.mark.slow
def test_each_flow_is_found_by_its_rule_and_clean_code_is_clean(pysa: Pysa) -> None:
    codes = {**FLOWS, **CLEAN}
    results = pysa.analyze([Snippet(name, code) for name, code in codes.items()])
    assert {one.snippet_id: one.error for one in results} == dict.fromkeys(codes)
    found = {one.snippet_id: [finding.rule_id for finding in one.findings] for one in results}
    assert found == {**{name: [name] for name in FLOWS}, **{name: [] for name in CLEAN}}


@pytest.mark.slow
def test_code_that_takes_the_place_of_the_canary_is_unmeasured(pysa: Pysa) -> None:
    blinded, clean = pysa.analyze(
        [Snippet("a", "raise SystemExit\nx = eval(input()"), Snippet("b", "x = 1")]
    )
    assert blinded.error == "Pysa did not take it in"
    assert clean.error is None


def test_every_rule_of_the_models_is_in_the_severity_table() -> None:
    # No analyzer is needed for this.
    config = json.loads((_models() / "taint" / "taint.config").read_text())
    rules = {rule["name"] for rule in config["rules"]} - {"canary"}
    assert rules == {rule for tool, rule in rule_meanings() if tool == "pysa"} == FLOWS.keys()
    text = "".join(path.read_text() for path in (_models() / "taint").glob("*.pysa"))
    used = set(re.findall(r"Taint(?:Source|Sink)\[(\w+)\]", text))
    assert used == {one["name"] for one in (*config["sources"], *config["sinks"])}
