"""Exceptions that vanish, above all those of a security check."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import caught_names, does_nothing, last_name, names_a_check

_EXPECTED = frozenset(
    (
        "FileNotFoundError",
        "FileExistsError",
        "KeyError",
        "IndexError",
        "StopIteration",
        "ImportError",
        "ModuleNotFoundError",
        "KeyboardInterrupt",
        "AttributeError",
        "ProcessLookupError",
        "Empty",
        "NotImplementedError",
        "CancelledError",
        "TimeoutError",
        "BrokenPipeError",
        "ValueError",
        "ConnectionResetError",
        "BlockingIOError",
        "InterruptedError",
        "TypeError",
        "UnicodeDecodeError",
        "GeneratorExit",
        "StopAsyncIteration",
        "DoesNotExist",
        "ConnectionError",
        "PermissionError",
    )
)
_VERIFYING = re.compile(r"(?i)^(full_)?clean$|^raise_if_not_|^(require|ensure)_|match_hostname")


def _verifies(node: ast.stmt) -> bool:
    """Whether a statement is a check that speaks by raising: its result is not looked at."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Await):
        call = call.value
    if not isinstance(call, ast.Call):
        return False
    name = last_name(call.func)
    return names_a_check(name) or bool(_VERIFYING.search(name))


def _swallowed(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Try):
        checks = all(isinstance(one, ast.Expr) for one in node.body) and any(
            map(_verifies, node.body)
        )
        for handler in node.handlers:
            if not does_nothing(handler.body):
                continue
            stays = not any(isinstance(one, ast.Continue) for one in handler.body)
            if checks and stays and not node.orelse:
                yield Match(handler, "a failed check is ignored and the program goes on")
            elif not caught_names(handler) <= _EXPECTED:
                yield Match(handler, "an exception is ignored", "low")


RULE = FlowRule(
    id="swallowed-exception",
    title="Exception ignored",
    cwes=(390, 391, 755),
    severity="medium",
    severity_reason="A check that reports failure by raising checks nothing when its exception is"
    " dropped.",
    fix="Let the exception out, or answer it by refusing: return an error, log it.",
    reference="https://cwe.mitre.org/data/definitions/390.html",
    detectors=(_swallowed,),
    insecure=(
        """
from cryptography.exceptions import InvalidSignature
from installer import unpack

def install(package, signature, key, padding, algorithm):
    try:
        key.verify(signature, package, padding, algorithm)
    except InvalidSignature:
        pass
    unpack(package)
""",
        """
from django.http import JsonResponse
from rights import check_permission
from records import remove

def delete(request, number):
    try:
        check_permission(request.user, "delete", number)
    except Exception:
        pass
    remove(number)
    return JsonResponse({"ok": True})
""",
        """
class Order:
    def save(self, store):
        try:
            self.validate()
        except Exception:
            ...
        store.write(self)
""",
    ),
    secure=(
        """
from cryptography.exceptions import InvalidSignature
from installer import unpack

def install(package, signature, key, padding, algorithm):
    try:
        key.verify(signature, package, padding, algorithm)
    except InvalidSignature as error:
        raise ValueError("the package is not genuine") from error
    unpack(package)
""",
        """
from django.http import JsonResponse
from rights import Denied, check_permission
from records import remove

def delete(request, number):
    try:
        check_permission(request.user, "delete", number)
    except Denied:
        return JsonResponse({"error": "not allowed"}, status=403)
    remove(number)
    return JsonResponse({"ok": True})
""",
        """
from cryptography.exceptions import InvalidSignature

def is_genuine(keys, signature, data):
    for key in keys:
        try:
            key.verify(signature, data)
            return True
        except InvalidSignature:
            continue
    return False
""",
        """
import os

def clear(path):
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
""",
    ),
)
