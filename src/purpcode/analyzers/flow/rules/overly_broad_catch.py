"""Catching every exception, raising the most general one."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import caught_names, last_name, within

_GENERAL = frozenset(("Exception", "BaseException"))


def _caught(code: Code) -> Iterator[Match]:
    for node in code.nodes:
        if (
            isinstance(node, ast.ExceptHandler)
            and caught_names(node) & _GENERAL
            and not any(isinstance(one, ast.Raise) for one in within(node.body))
        ):
            yield Match(node, "every exception is caught and none goes on", cwes=(396,))


def _raised(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Raise):
        if node.exc is not None and last_name(node.exc) in _GENERAL:
            yield Match(node, "callers cannot tell this exception from any other", cwes=(397,))


RULE = FlowRule(
    id="overly-broad-catch",
    title="Most general exception caught or raised",
    cwes=(396, 397),
    severity="low",
    severity_reason="Errors nobody thought of are treated like the expected ones.",
    fix="Catch and raise the exceptions that are meant.",
    reference="https://cwe.mitre.org/data/definitions/396.html",
    detectors=(_caught, _raised),
    insecure=(
        """
import json

def load(path):
    try:
        with open(path) as handle:
            return json.load(handle)
    except Exception:
        return {}
""",
        """
def withdraw(account, amount):
    if amount > account.balance:
        raise Exception("too little money")
    account.balance -= amount
""",
        """
def run(job):
    try:
        job()
    except:
        print("failed")
""",
    ),
    secure=(
        """
import json

def load(path):
    try:
        with open(path) as handle:
            return json.load(handle)
    except (OSError, json.JSONDecodeError):
        return {}
""",
        """
class TooLittleMoney(ValueError):
    pass

def withdraw(account, amount):
    if amount > account.balance:
        raise TooLittleMoney(amount)
    account.balance -= amount
""",
        """
import logging

def run(job):
    try:
        job()
    except Exception:
        logging.exception("job failed")
        raise
""",
    ),
)
