"""Two entries, functions or addresses by one name, of which one is lost."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, functions, last_name

_ROUTES = frozenset(("route", "get", "post", "put", "delete", "patch"))


def _keys(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        if isinstance(node, ast.Dict):
            seen: dict[object, str] = {}
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    place, held = (type(key.value), key.value), ast.unparse(value)
                    if place in seen:
                        yield Match(
                            key,
                            f"the key {key.value!r} stands there twice; the last one counts",
                            "medium" if seen[place] != held else None,
                            (462, 694),
                        )
                    seen[place] = held


def _names(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Module, ast.ClassDef):
        seen: set[str] = set()
        for one in node.body:
            if isinstance(one, Function) and not one.decorator_list and one.name != "_":
                if one.name in seen:
                    yield Match(one, f"{one.name} is defined twice; the last one counts")
                seen.add(one.name)


def _routes(code: Code) -> Iterator[Match]:
    seen: set[tuple[str, str]] = set()
    for function in functions(code):
        for one in function.decorator_list:
            if (
                isinstance(one, ast.Call)
                and last_name(one.func) in _ROUTES
                and one.args
                and isinstance(one.args[0], ast.Constant)
            ):
                methods = "".join(ast.unparse(k.value) for k in one.keywords)
                key = (ast.unparse(one.func) + methods, str(one.args[0].value))
                if key in seen:
                    yield Match(one, f"{key[1]} is answered by two functions; the first one counts")
                seen.add(key)


RULE = FlowRule(
    id="duplicate-definition",
    title="One name for two things",
    cwes=(694, 462),
    severity="low",
    severity_reason="The definition that is lost may be the one with the check.",
    fix="Remove one of them or rename it.",
    reference="https://cwe.mitre.org/data/definitions/694.html",
    detectors=(_keys, _names, _routes),
    insecure=(
        """
LIMITS = {"guest": 10, "member": 100, "guest": 10_000}
""",
        """
def may_edit(user, page):
    return user.id == page.owner

def may_edit(user, page):
    return True
""",
        """
from flask import Flask
from rights import login_required

app = Flask(__name__)

@app.get("/report")
def short_report():
    return "short"

@app.get("/report")
@login_required
def full_report():
    return "full"
""",
    ),
    secure=(
        """
LIMITS = {"guest": 10, "member": 100, "1": 5, 1: 6}
""",
        """
class Page:
    @property
    def owner(self):
        return self._owner

    @owner.setter
    def owner(self, value):
        self._owner = value
""",
        """
from flask import Flask

app = Flask(__name__)

@app.get("/report")
def report():
    return "short"

@app.post("/report")
def send_report():
    return "sent"
""",
    ),
)
