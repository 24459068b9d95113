"""Classes told apart by their names."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match


def _class_name(node: ast.expr) -> bool:
    """`type(x).__name__`, `x.__class__.__name__`."""
    if not (isinstance(node, ast.Attribute) and node.attr in ("__name__", "__qualname__")):
        return False
    base = node.value
    by_type = isinstance(base, ast.Call) and getattr(base.func, "id", "") == "type"
    return by_type or (isinstance(base, ast.Attribute) and base.attr == "__class__")


def _compared(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Compare):
        if any(map(_class_name, (node.left, *node.comparators))):
            yield Match(node, "another class may have the same name")


RULE = FlowRule(
    id="class-by-name",
    title="Class recognised by its name",
    cwes=(486, 1025),
    severity="low",
    severity_reason="An object of any class that bears the name is trusted.",
    fix="Use isinstance, or compare the classes themselves.",
    reference="https://cwe.mitre.org/data/definitions/486.html",
    detectors=(_compared,),
    insecure=(
        """
def may_delete(user):
    return type(user).__name__ == "Admin"
""",
        """
def accept(message):
    if message.__class__.__name__ != "Signed":
        raise ValueError("unsigned")
    return message.body
""",
        """
TRUSTED = ("Admin", "Owner")

def trusted(user):
    return user.__class__.__qualname__ in TRUSTED
""",
    ),
    secure=(
        """
from people import Admin

def may_delete(user):
    return isinstance(user, Admin)
""",
        """
from messages import Signed

def accept(message):
    if type(message) is not Signed:
        raise ValueError("unsigned")
    return message.body
""",
        """
def describe(user):
    return f"{type(user).__name__}: {user.name}"
""",
    ),
)
