"""Names refused in one spelling only."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import functions, within
from purpcode.analyzers.flow.tree import walk

_ENDINGS = re.compile(r"^\.(php\d?|exe|sh|bat|cmd|py|jsp|aspx?|js|html?|svg|phtml|dll)$")
_WORDS = re.compile(
    r"^(<?script>?|javascript:?|onerror|onload|<iframe|select|union|drop|admin|root|localhost)$"
)


def _texts(node: ast.expr) -> list[str]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return [
        one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _folded(node: ast.expr) -> bool:
    return any(
        isinstance(one, ast.Attribute) and one.attr in ("lower", "casefold", "upper")
        for one in walk(node)
    )


def _refuses(statements: list[ast.stmt]) -> bool:
    """Whether a branch ends by an error, an abort or a negative answer."""
    last = statements[-1]
    if isinstance(last, ast.Raise):
        return True
    if isinstance(last, ast.Return):
        value = last.value
        text = ast.unparse(value) if value is not None else ""
        return text in ("False", "None", "") or bool(re.search(r"\b4\d\d\b", text))
    return isinstance(last, ast.Expr) and "abort" in ast.unparse(last)


def _checked(code: Code) -> Iterator[Match]:
    for function in functions(code):
        folded = {
            one.targets[0].id
            for one in within(function)
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and _folded(one.value)
        }
        for node in within(function):
            if not isinstance(node, ast.If) or not _refuses(node.body):
                continue
            for one in walk(node.test):
                looked: ast.expr | None = None
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.args:
                    if one.func.attr in ("endswith", "startswith") and (
                        any(
                            _ENDINGS.match(text) or _WORDS.match(text)
                            for text in _texts(one.args[0])
                        )
                    ):
                        looked = one.func.value
                elif (
                    isinstance(one, ast.Compare)
                    and len(one.ops) == 1
                    and isinstance(one.ops[0], ast.In)
                ):
                    left, right = one.left, one.comparators[0]
                    if isinstance(left, ast.Constant) and any(map(_WORDS.match, _texts(left))):
                        looked = right
                    elif any(_WORDS.match(text) or _ENDINGS.match(text) for text in _texts(right)):
                        looked = left
                if (
                    looked is not None
                    and not _folded(looked)
                    and getattr(looked, "id", "") not in folded
                ):
                    yield Match(node.test, "another spelling (.PHP, Admin) passes")
                    break


RULE = FlowRule(
    id="case-sensitive-check",
    title="Refused in one spelling only",
    cwes=(178,),
    severity="low",
    severity_reason="Where upper and lower case mean the same later, the other one passes.",
    fix="Fold the case first (`name.lower()`), and prefer a list of what is allowed.",
    reference="https://cwe.mitre.org/data/definitions/178.html",
    detectors=(_checked,),
    insecure=(
        """
def accept(filename):
    if filename.endswith((".php", ".exe")):
        raise ValueError("not allowed")
    return filename
""",
        """
from flask import Flask, abort, request

app = Flask(__name__)

@app.post("/names")
def take():
    name = request.form["name"]
    if name in ("admin", "root"):
        abort(400)
    return {"name": name}
""",
        """
def clean(address):
    if address.startswith("javascript:"):
        return None
    return address
""",
    ),
    secure=(
        """
def accept(filename):
    if filename.lower().endswith((".php", ".exe")):
        raise ValueError("not allowed")
    return filename
""",
        """
from flask import Flask, abort, request

app = Flask(__name__)

@app.post("/names")
def take():
    name = request.form["name"].casefold()
    if name in ("admin", "root"):
        abort(400)
    return {"name": name}
""",
        """
def clean(address):
    if not address.startswith("https://"):
        return None
    return address
""",
    ),
)
