"""Rights and checks whose default is the dangerous value."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, is_test_code, last_name

_GRANTING = re.compile(
    r"(?i)^(is_)?(admin|superuser|staff|authenticated|authori[sz]ed|verified|trusted|root)$|"
    r"^(allow_all|skip_auth|skip_verification|disable_auth|insecure|bypass_auth)$"
)
_GUARDING = re.compile(
    r"(?i)^(verify|verify_ssl|ssl_verify|check_certificate|verify_signature|require_auth|"
    r"auth_required|validate_certs|check_permissions|enforce_\w+)$"
)
_COLUMNS = frozenset(("Column", "BooleanField", "mapped_column", "Field", "field"))


def _dangerous(name: str, value: ast.expr | None) -> bool:
    if not isinstance(value, ast.Constant) or type(value.value) is not bool:
        return False
    return bool((_GRANTING if value.value else _GUARDING).search(name))


def _default_of(value: ast.expr | None) -> ast.expr | None:
    """The default of a field: `True`, `Column(Boolean, default=True)`."""
    if isinstance(value, ast.Call) and last_name(value.func) in _COLUMNS:
        return next((one.value for one in value.keywords if one.arg == "default"), None)
    return value


def _defaults(code: Code) -> Iterator[Match]:
    if is_test_code(code):
        return
    for node in code.nodes:
        if isinstance(node, Function):
            given = [*node.args.posonlyargs, *node.args.args]
            pairs = list(zip(reversed(given), reversed(node.args.defaults), strict=False))
            keyword_only = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            for one, default in (*pairs, *keyword_only):
                if default is not None and _dangerous(one.arg, default):
                    yield Match(
                        one,
                        f"{one.arg} is {ast.unparse(default)} unless the caller says more",
                        cwes=(1188,),
                    )
        elif isinstance(node, ast.ClassDef):
            for field in node.body:
                name, value = "", None
                if isinstance(field, ast.Assign) and isinstance(field.targets[0], ast.Name):
                    name, value = field.targets[0].id, field.value
                elif isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    name, value = field.target.id, field.value
                if _dangerous(name, _default_of(value)):
                    yield Match(field, f"{name} starts with the dangerous value", cwes=(453, 1188))


RULE = FlowRule(
    id="insecure-default",
    title="Dangerous default",
    cwes=(1188, 453),
    severity="low",
    severity_reason="Whoever forgets to say otherwise gets it; the callers are not seen here.",
    fix="Make the safe value the default and let callers ask for the other.",
    reference="https://cwe.mitre.org/data/definitions/1188.html",
    detectors=(_defaults,),
    insecure=(
        """
import requests

def fetch(url, verify=False):
    return requests.get(url, verify=verify, timeout=5)
""",
        """
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    is_admin = db.Column(db.Boolean, default=True)
""",
        """
from dataclasses import dataclass

@dataclass
class Session:
    user: str
    authenticated: bool = True
""",
    ),
    secure=(
        """
import requests

def fetch(url, verify=True):
    return requests.get(url, verify=verify, timeout=5)
""",
        """
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    is_admin = db.Column(db.Boolean, default=False)
    is_active = db.Column(db.Boolean, default=True)
""",
        """
from dataclasses import dataclass

@dataclass
class Session:
    user: str
    authenticated: bool = False
""",
    ),
)
