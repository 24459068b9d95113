"""Passwords accepted although they are short, or whatever they are."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_PASSWORD = re.compile(
    r"(?i)^(new_|raw_|plain_|user_)?(passw(or)?d|passphrase|pwd|pw|passcode)\d?$"
)
_LEAST = 8
_CLEARLY = 7
"""Six characters and fewer are tried in no time; eight is what the standards ask for."""
_SETTING = re.compile(
    r"(?i)^(min(imum)?_?passw(or)?d_?len(gth)?|passw(or)?d_?min(imum)?_?len(gth)?)$"
)


def _lengths(code: Code) -> Iterator[Match]:
    """`if len(password) < 4:` and `len(password) >= 6`."""
    for one in code.comparisons:
        if (
            len(one.node.ops) != 1
            or not _is_length(one.node.left)
            or type(one.right.const) is not int
        ):
            continue
        least = one.right.const
        if isinstance(one.operator, ast.LtE | ast.Gt):
            least += 1
        elif not isinstance(one.operator, ast.Lt | ast.GtE):
            continue
        if 1 < least < _LEAST and _decides(code, one.node):
            level: Level = "medium" if least < _CLEARLY else "low"
            yield Match(one.node, f"{least} characters are enough", level)


def _settings(code: Code) -> Iterator[Match]:
    for store in code.stores:
        name = store.key if isinstance(store.key, str) else (store.path or "").rpartition(".")[2]
        if (
            _SETTING.search(name)
            and type(store.value.const) is int
            and 0 < store.value.const < _LEAST
        ):
            yield Match(store.node, f"{store.value.const} characters are enough")


def _fields(code: Code) -> Iterator[Match]:
    """`password: str = Field(min_length=4)`, `PasswordField(validators=[Length(min=4)])`."""
    for node in code.nodes_of(ast.Assign, ast.AnnAssign):
        if not isinstance(node.value, ast.Call):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if not isinstance(target, ast.Name) or not _PASSWORD.search(target.id):
            continue
        for one in walk(node.value):
            if isinstance(one, ast.keyword) and one.arg in ("min_length", "min"):
                least = one.value.value if isinstance(one.value, ast.Constant) else None
                if type(least) is int and 0 < least < _LEAST:
                    level: Level = "medium" if least < _CLEARLY else "low"
                    yield Match(node, f"{least} characters are enough", level)


def _validators(code: Code) -> Iterator[Match]:
    """Django settings without any rule for passwords."""
    for store in code.stores_to(("AUTH_PASSWORD_VALIDATORS",)):
        if store.value.items == () and isinstance(store.source, ast.List | ast.Tuple):
            yield Match(store.node, "any password is accepted", "medium")


def _is_length(node: ast.expr) -> bool:
    if (
        not isinstance(node, ast.Call)
        or not isinstance(node.func, ast.Name)
        or node.func.id != "len"
    ):
        return False
    given = node.args[0] if node.args else None
    if isinstance(given, ast.Attribute):
        return bool(_PASSWORD.search(given.attr))
    return isinstance(given, ast.Name) and bool(_PASSWORD.search(given.id))


def _decides(code: Code, node: ast.AST) -> bool:
    """Whether the comparison is a test or a result, not a step of a strength meter."""
    around: ast.AST | None = node
    while around is not None and not isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef):
        around = code.parents.get(id(around))
    return around is None or not re.search(r"(?i)strength|score|entropy|generat|rate", around.name)


RULE = FlowRule(
    id="weak-password-policy",
    title="Short passwords accepted",
    cwes=(521,),
    severity="low",
    severity_reason="Short passwords are guessed; how much that harms depends on what else "
    "guards the login.",
    fix="Ask for at least eight characters (twelve are better) and refuse well-known passwords.",
    reference="https://cwe.mitre.org/data/definitions/521.html",
    detectors=(_lengths, _settings, _fields, _validators),
    insecure=(
        """
INSTALLED_APPS = ["django.contrib.auth"]
AUTH_PASSWORD_VALIDATORS = []
""",
        """
def register(users, name, password):
    if len(password) < 4:
        raise ValueError("too short")
    users.add(name, password)
""",
        """
MIN_PASSWORD_LENGTH = 5

def acceptable(password):
    return len(password) >= MIN_PASSWORD_LENGTH
""",
        """
from pydantic import BaseModel, Field

class Registration(BaseModel):
    name: str
    password: str = Field(min_length=3, max_length=100)
""",
    ),
    secure=(
        """
INSTALLED_APPS = ["django.contrib.auth"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
]
""",
        """
def register(users, name, password):
    if len(password) < 12:
        raise ValueError("too short")
    users.add(name, password)
""",
        """
MIN_PASSWORD_LENGTH = 10

def acceptable(password):
    return len(password) >= MIN_PASSWORD_LENGTH
""",
        """
from pydantic import BaseModel, Field

class Registration(BaseModel):
    name: str = Field(min_length=3)
    password: str = Field(min_length=12, max_length=100)
""",
        """
def password_strength(password):
    score = 0
    if len(password) >= 6:
        score += 1
    return score
""",
    ),
)
