"""Checks that answer yes when they fail."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import (
    caught_names,
    does_nothing,
    functions,
    last_name,
    names_a_check,
    within,
)

_GRANTED = re.compile(
    r"(?i)(^|_)(allowed|authori[sz]ed|authenticated|is_admin|valid|is_valid|has_permission|"
    r"permitted|access_granted|granted|verified|trusted|logged_in)$"
)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _grants(handler: ast.ExceptHandler, *, in_check: bool) -> ast.stmt | None:
    """The statement of an exception handler that says yes."""
    for node in within(handler.body):
        if isinstance(node, ast.If | ast.Raise):
            return None  # it decides by something, or hands the error on
    for node in within(handler.body):
        if in_check and isinstance(node, ast.Return) and _is_true(node.value):
            return node
        if (
            isinstance(node, ast.Assign)
            and _is_true(node.value)
            and any(_GRANTED.search(last_name(one)) for one in node.targets)
        ):
            return node
    return None


def _open(code: Code) -> Iterator[Match]:
    for function in functions(code):
        in_check = names_a_check(function.name)
        for node in within(function):
            if not isinstance(node, ast.ExceptHandler):
                continue
            granting = _grants(node, in_check=in_check)
            if granting is not None:
                yield Match(granting, "when the check itself fails, the answer is yes")
            elif "PermissionError" in caught_names(node) and does_nothing(node.body):
                yield Match(node, "a missing permission is ignored", "low", (280, 703))


RULE = FlowRule(
    id="failing-open",
    title="Check answers yes when it fails",
    cwes=(636, 280, 703),
    severity="medium",
    severity_reason="Whoever can make the check fail, by strange data or by an outage, is let in.",
    fix="Answer no (return False or raise) whenever the check cannot be made.",
    reference="https://cwe.mitre.org/data/definitions/636.html",
    detectors=(_open,),
    insecure=(
        """
import requests

def is_allowed(user, action):
    try:
        answer = requests.get(
            "https://rights.example.com/check", params={"user": user, "do": action}, timeout=2
        )
        return answer.json()["allowed"]
    except requests.RequestException:
        return True
""",
        """
def verify_signature(key, signature, data):
    try:
        key.verify(signature, data)
        return True
    except Exception as error:
        print("could not verify", error)
        return True
""",
        """
import pathlib

def may_read(user, path):
    authorized = False
    try:
        authorized = user in pathlib.Path(path).with_suffix(".acl").read_text().split()
    except PermissionError:
        authorized = True
    return authorized
""",
    ),
    secure=(
        """
import requests

def is_allowed(user, action):
    try:
        answer = requests.get(
            "https://rights.example.com/check", params={"user": user, "do": action}, timeout=2
        )
        return answer.json()["allowed"]
    except requests.RequestException:
        return False
""",
        """
def verify_signature(key, signature, data):
    try:
        key.verify(signature, data)
    except Exception as error:
        print("could not verify", error)
        return False
    return True
""",
        """
import pathlib

def may_read(user, path):
    authorized = False
    try:
        authorized = user in pathlib.Path(path).with_suffix(".acl").read_text().split()
    except PermissionError:
        authorized = False
    return authorized
""",
        """
def is_blocked(address, lists):
    try:
        return lists.contains(address)
    except OSError:
        return True
""",
    ),
)
