"""Trust in what a sender says of itself: its address in a header, where it came from, its name."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, answers_requests, functions, last_name, within
from purpcode.analyzers.flow.tree import walk

_ADDRESS = re.compile(
    r"(?i)^(http[-_])?(x[-_](forwarded[-_]for|real[-_]ip|client[-_]ip|originating[-_]ip)|"
    r"(true[-_])?client[-_]ip)$"
)
_REFERER = re.compile(r"(?i)^(http[-_])?referr?er$")
_USER = re.compile(
    r"(?i)^(http[-_])?x[-_](user|username|user[-_]?(name|id)|user[-_]?email|authenticated[-_]user|"
    r"remote[-_]user|logged[-_]in[-_]user)$"
)
_PROVED = re.compile(
    r"(?i)token|signature|hmac|api_?key|verify|_secret|secret_|jwt|password|session|login|trusted_prox|proxyfix|"
    r"authoriz"
)
_NAMES = re.compile(r"\.gethostbyaddr$|\.getfqdn$|\.reversename|\.getnameinfo$")
_TESTS = frozenset(("startswith", "endswith", "find", "match", "search", "fullmatch", "index"))
_ASKS = frozenset(("filter_by", "filter", "get", "first", "get_or_404", "get_object_or_404",
                   "find_one", "execute", "get_user", "find_user", "load_user"))  # fmt: skip


def _read(node: ast.AST, wanted: re.Pattern[str]) -> bool:
    """Whether an expression reads such a header: `request.headers.get("X-Real-IP")`."""
    for one in walk(node):
        key: ast.expr | None = None
        if isinstance(one, ast.Subscript):
            key, held = one.slice, last_name(one.value)
        elif isinstance(one, ast.Call) and called_name(one) in ("get", "getlist") and one.args:
            key = one.args[0]
            held = last_name(one.func.value) if isinstance(one.func, ast.Attribute) else ""
        else:
            referrer = isinstance(one, ast.Attribute) and one.attr in ("referrer", "referer")
            if referrer and wanted is _REFERER:
                return True
            continue
        text = key.value if isinstance(key, ast.Constant) else None
        if held in ("headers", "META", "environ") and isinstance(text, str) and wanted.search(text):
            return True
    return False


def _held(function: Function, wanted: re.Pattern[str]) -> set[str]:
    """Variables that hold such a header."""
    return {
        target.id
        for node in within(function)
        if isinstance(node, ast.Assign) and _read(node.value, wanted)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _mentions(node: ast.AST, names: set[str], wanted: re.Pattern[str]) -> bool:
    named = any(isinstance(one, ast.Name) and one.id in names for one in walk(node))
    return named or _read(node, wanted)


def _decides(function: Function, wanted: re.Pattern[str]) -> Iterator[ast.expr]:
    """Tests that hold such a header against what the program knows."""
    names = _held(function, wanted)
    for node in within(function):
        if not isinstance(node, ast.If | ast.IfExp):
            continue
        for one in walk(node.test):
            if isinstance(one, ast.Compare) and not isinstance(one.ops[0], ast.Is | ast.IsNot):
                other = one.comparators[0]
                blank = isinstance(other, ast.Constant) and not other.value
                if not blank and _mentions(one, names, wanted):
                    yield node.test
            elif (
                isinstance(one, ast.Call)
                and called_name(one) in _TESTS
                and _mentions(one, names, wanted)
            ):
                yield node.test


def _addresses(code: Code) -> Iterator[Match]:
    if not re.search(r"(?i)forwarded|real.ip|client.ip|originating.ip|referr?er", code.text):
        return
    for function in functions(code):
        text = ast.unparse(function)
        if not re.search(r"headers|META|environ|referr?er", text):
            continue
        for test in _decides(function, _ADDRESS):
            if not _PROVED.search(text):
                yield Match(test, "a header with an address decides who may", cwes=(290, 348))
        for test in _decides(function, _REFERER):
            if not re.search(r"(?i)csrf|redirect|login|session|current_user|url_for", text):
                yield Match(test, "the page the sender says it comes from decides", cwes=(293, 290))


def _names(code: Code) -> Iterator[Match]:
    """A host's name by reverse look-up is written by who owns the address."""
    if "gethostbyaddr" not in code.text and "getfqdn(" not in code.text:
        return
    for function in functions(code):
        text = ast.unparse(function)
        if "gethostbyaddr" not in text and "getfqdn(" not in text:
            continue
        if re.search(r"gethostbyname|getaddrinfo|getpeercert", text):
            continue
        held: set[str] = set()
        for node in within(function):
            if isinstance(node, ast.Assign) and any(
                called_name(one) in ("gethostbyaddr", "getfqdn") and getattr(one, "args", ())
                for one in walk(node.value)
            ):
                held |= {
                    one.id
                    for target in node.targets
                    for one in walk(target)
                    if isinstance(one, ast.Name)
                }
        for node in within(function):
            test = isinstance(node, ast.Compare) or called_name(node) in ("endswith", "startswith")
            if test and any(isinstance(one, ast.Name) and one.id in held for one in walk(node)):
                yield Match(
                    node, "the name of the peer's own reverse entry decides", cwes=(350, 290)
                )
                break


def _users(code: Code) -> Iterator[Match]:
    """`X-User: alice` is taken for the proof that alice asks."""
    if not re.search(r"(?i)x[-_](user|auth|remote|logged)", code.text):
        return
    for function in functions(code):
        if not answers_requests(code, function):
            continue
        text = ast.unparse(function)
        if ("headers" not in text and "META" not in text) or _PROVED.search(text):
            continue
        names = _held(function, _USER)
        for node in within(function):
            asked = isinstance(node, ast.Call) and called_name(node) in _ASKS
            if not asked or not isinstance(node, ast.Call):
                continue
            given = [*node.args, *(one.value for one in node.keywords)]
            if any(isinstance(one, ast.Name) and one.id in names for one in given):
                yield Match(node, "a header says who the user is", cwes=(287, 290))
                break


RULE = FlowRule(
    id="spoofable-identity",
    title="Trust in what the sender says of itself",
    cwes=(290, 287, 293, 348, 350),
    severity="medium",
    severity_reason="Headers and reverse names are the sender's own to write.",
    fix="Ask for a login or a signed token; take addresses from the connection only.",
    reference="https://cwe.mitre.org/data/definitions/290.html",
    detectors=(_addresses, _names, _users),
    insecure=(
        """
from flask import Flask, abort, request

app = Flask(__name__)

@app.route("/figures")
def figures():
    if request.headers.get("X-Forwarded-For") != "10.1.1.5":
        abort(403)
    return "inner figures"
""",
        """
import socket

def is_ours(link):
    address, _ = link.getpeername()
    name = socket.gethostbyaddr(address)[0]
    return name == "build.example.com"
""",
        """
from django.http import HttpResponse, HttpResponseForbidden

def pay(request):
    came = request.META.get("HTTP_REFERER", "")
    if came.startswith("https://shop.example"):
        return HttpResponse("paid")
    return HttpResponseForbidden()
""",
        """
from flask import Flask, jsonify, request
from club import Member

app = Flask(__name__)

@app.route("/own")
def own():
    name = request.headers.get("X-Username")
    member = Member.query.filter_by(name=name).first_or_404()
    return jsonify(debts=member.debts)
""",
    ),
    secure=(
        """
from flask import Flask, abort
from flask_login import current_user, login_required

app = Flask(__name__)

@app.route("/figures")
@login_required
def figures():
    if not current_user.may_see_figures:
        abort(403)
    return "inner figures"
""",
        """
import socket

def is_ours(link):
    address, _ = link.getpeername()
    name = socket.gethostbyaddr(address)[0]
    return name == "build.example.com" and address in socket.gethostbyname_ex(name)[2]
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    app.logger.info("asked from %s", request.headers.get("X-Forwarded-For", "unknown"))
    if request.headers.get("X-Forwarded-For") is None:
        return "hello, neighbour"
    return "hello"
""",
        """
from flask import Flask, jsonify, session
from club import Member

app = Flask(__name__)

@app.route("/own")
def own():
    member = Member.query.get_or_404(session["member"])
    return jsonify(debts=member.debts)
""",
    ),
)
