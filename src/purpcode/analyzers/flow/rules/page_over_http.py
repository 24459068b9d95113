"""Pages that send a password, or fetch a script, over plain HTTP."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_NEAR = r"(?!localhost|127\.|\[::1|0\.0\.0\.0)"
_FORM = re.compile(
    rf"(?is)<form\b[^>]*\baction\s*=\s*[\"']?http://{_NEAR}.*?\btype\s*=\s*[\"']?password"
)
_SCRIPT = re.compile(rf"(?i)<script\b[^>]*\bsrc\s*=\s*[\"']?http://{_NEAR}")


def _is_program(text: str) -> bool:
    """Whether a text is an example of Python, not a page."""
    return (
        re.search(r"(?m)^(from \w[\w.]* import|import \w|def \w|class \w|[A-Z]+ = )", text)
        is not None
    )


def _pages(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Constant):
        if not isinstance(node.value, str) or "http://" not in node.value:
            continue
        if _is_program(node.value):
            continue
        if _FORM.search(node.value):
            yield Match(node, "the form sends the password unencrypted", cwes=(523, 319))
        if _SCRIPT.search(node.value):
            yield Match(node, "the page runs a script that came unencrypted", cwes=(829, 319))


RULE = FlowRule(
    id="page-over-http",
    title="Page over plain HTTP",
    cwes=(523, 829, 319),
    severity="medium",
    severity_reason="Everybody on the way reads the password, or writes the script.",
    fix="Use https addresses (scripts of others with an integrity hash) or paths on the own site.",
    reference="https://cwe.mitre.org/data/definitions/523.html",
    detectors=(_pages,),
    insecure=(
        '''
from flask import Flask

app = Flask(__name__)

@app.route("/enter")
def enter():
    return """<form action="http://club.example/enter" method="post">
    <input name="name"><input name="word" type="password"></form>"""
''',
        """
PAGE = "<html><script src='http://files.example.net/menu.js'></script></html>"
""",
        """
from django.http import HttpResponse

def home(request):
    return HttpResponse('<script type="text/javascript" src="http://ads.example/a.js"></script>')
""",
    ),
    secure=(
        '''
from flask import Flask

app = Flask(__name__)

@app.route("/enter")
def enter():
    return """<form action="/enter" method="post">
    <input name="name"><input name="word" type="password"></form>"""
''',
        """
PAGE = (
    "<html><script src='https://files.example.net/menu.js' integrity='sha384-x'"
    " crossorigin='anonymous'></script></html>"
)
""",
        """
PAGE = '<form action="http://search.example/find"><input name="words" type="search"></form>'
""",
    ),
)
