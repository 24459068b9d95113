"""Errors and tracebacks sent to visitors."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import children, walk

_TRACEBACKS = frozenset(
    ("format_exc", "format_exception", "format_tb", "format_stack", "print_exc")
)
_INTERNAL = re.compile(
    r"(sqlite3|psycopg2?|pymysql|mysql|MySQLdb|sqlalchemy|cx_Oracle|pyodbc)\b|DatabaseError|"
    r"SQLAlchemyError|OperationalError|IntegrityError|ProgrammingError|subprocess|OSError|IOError"
)
_ANSWERS = frozenset(
    (
        "jsonify",
        "make_response",
        "Response",
        "HttpResponse",
        "JsonResponse",
        "JSONResponse",
        "HTMLResponse",
        "PlainTextResponse",
        "json_response",
        "HTTPException",
        "abort",
        "write",
        "send_error",
        "HttpResponseServerError",
        "render_template_string",
        "PlainTextResponse",
        "HttpResponseBadRequest",
    )
)

_CARRIERS = frozenset(("join", "format", "str", "splitlines", "strip", "encode", "replace", "dict"))


def _answering(code: Code) -> Iterator[Scope]:
    """Functions that answer requests."""
    for scope in code.scopes:
        arguments = getattr(getattr(scope.node, "args", None), "args", [])
        names = {one.arg for one in arguments}
        method = scope.owner is not None and scope.name.lower() in ("get", "post", "put", "delete")
        wanted = names & {"request", "req", "start_response"} or scope.name.startswith("do_")
        if (
            scope.handler
            or any("errorhandler" in d or "exception_handler" in d for d in scope.decorators)
            or wanted
            or method
        ):
            yield scope


def _sent(node: ast.AST) -> Iterator[ast.expr]:
    """What a function sends: what it returns, and arguments of what makes an answer."""
    for one in walk(node):
        if isinstance(one, ast.Return) and one.value is not None:
            yield one.value
        elif isinstance(one, ast.Call):
            func = one.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in _ANSWERS and not _is_file(func):
                yield from [*one.args, *(keyword.value for keyword in one.keywords)]


def _is_file(func: ast.expr) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "write"
        and (re.search(r"wfile|self$|response", ast.unparse(func.value)) is None)
    )


def _exposures(code: Code) -> Iterator[Match]:
    for scope in _answering(code):
        tracebacks = _named_tracebacks(scope.node)
        for expression in _sent(scope.node):
            for one in _shown(expression):
                if _is_traceback(one) or (isinstance(one, ast.Name) and one.id in tracebacks):
                    yield Match(one, "the answer contains the traceback", "medium")
        for tried in walk(scope.node):
            if isinstance(tried, ast.Try):
                for handler in tried.handlers:
                    if handler.name and handler.type:
                        yield from _texts(handler, _works_inside(tried))
    yield from _to_peers(code)


def _to_peers(code: Code) -> Iterator[Match]:
    """`connection.sendall(traceback.format_exc().encode())`."""
    for call in code.calls_to(("*.sendall", "*.send", "*.sendto")):
        if any(_is_traceback(one) for given in call.node.args[:1] for one in _shown(given)):
            yield Match(call.node, "the peer gets the traceback", "medium")


def _works_inside(tried: ast.Try) -> bool:
    """Whether what is tried asks a database or runs a command: its errors name what is inside."""
    text = " ".join(ast.unparse(one) for one in tried.body)
    return (
        re.search(r"\.execute\(|\.cursor\(|\.connect\(|subprocess\.|\.commit\(", text) is not None
    )


def _texts(handler: ast.ExceptHandler, deep: bool) -> Iterator[Match]:
    """The text of a caught error: of a database or the system it names what is inside; of any other
    it may."""
    kind = ast.unparse(handler.type) if handler.type is not None else ""
    inside = _INTERNAL.search(kind) is not None
    if not inside and kind not in ("Exception", "BaseException"):
        return
    for statement in handler.body:
        for expression in _sent(statement):
            if _shows(expression, handler.name or ""):
                level: Level = "medium" if inside or deep else "low"
                yield Match(expression, "the answer contains the error's own text", level)


def _shown(node: ast.AST) -> Iterator[ast.AST]:
    """Parts of an expression whose text shows in its value."""
    yield node
    if isinstance(node, ast.Call):
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name not in _CARRIERS and name not in _ANSWERS:
            return
    for one in children(node):
        yield from _shown(one)


def _shows(expression: ast.expr, name: str) -> bool:
    for one in walk(expression):
        turned = isinstance(one, ast.Call) and getattr(one.func, "id", "") in ("str", "repr")
        if turned and isinstance(one, ast.Call) and one.args:
            if getattr(one.args[0], "id", "") == name:
                return True
            continue
        if isinstance(one, ast.FormattedValue) and getattr(one.value, "id", "") == name:
            return True
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mod):
            right = one.right
            given = right.elts if isinstance(right, ast.Tuple) else [right]
            if any(getattr(part, "id", "") == name for part in given):
                return True
    return False


def _is_traceback(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    func = node.func
    return (
        func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    ) in _TRACEBACKS


def _named_tracebacks(node: ast.AST) -> set[str]:
    """Variables that hold a traceback."""
    return {
        target.id
        for one in walk(node)
        if isinstance(one, ast.Assign) and any(_is_traceback(part) for part in _shown(one.value))
        for target in one.targets
        if isinstance(target, ast.Name)
    }


RULE = FlowRule(
    id="error-exposure",
    title="Inner errors shown to visitors",
    cwes=(209, 497),
    severity="medium",
    severity_reason="Tracebacks and database errors tell an attacker how the program is built.",
    fix="Log the error (logging.exception) and answer with a general message.",
    reference="https://cwe.mitre.org/data/definitions/209.html",
    detectors=(_exposures,),
    insecure=(
        """
import traceback

def serve(link):
    try:
        link.sendall(str(int(link.recv(64))).encode())
    except ValueError:
        link.sendall(traceback.format_exc().encode())
""",
        """
from django.http import HttpResponse

def report(request):
    try:
        with open("/srv/report.txt") as source:
            return HttpResponse(source.read())
    except OSError as error:
        return HttpResponse("failed: %s" % error, status=500)
""",
        """
import sqlite3
from flask import Flask, jsonify

app = Flask(__name__)

@app.route("/names")
def names():
    try:
        return jsonify(sqlite3.connect("a.db").execute("SELECT name FROM people").fetchall())
    except Exception as error:
        return jsonify({"error": str(error)}), 500
""",
        """
import traceback
from flask import Flask, jsonify
from shop import total

app = Flask(__name__)

@app.route("/total")
def show():
    try:
        return jsonify({"total": total()})
    except Exception:
        return jsonify({"error": traceback.format_exc()}), 500
""",
        """
import sqlite3
from django.http import HttpResponse

def count(request):
    try:
        rows = sqlite3.connect("shop.db").execute("SELECT count(*) FROM orders").fetchone()
    except sqlite3.Error as problem:
        return HttpResponse(f"database: {problem}", status=500)
    return HttpResponse(str(rows[0]))
""",
        """
import traceback
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

app = FastAPI()

@app.exception_handler(Exception)
async def failed(request: Request, problem: Exception):
    details = "".join(traceback.format_exception(problem))
    return JSONResponse({"details": details}, status_code=500)
""",
    ),
    secure=(
        """
import logging
import sqlite3
from flask import Flask, jsonify

app = Flask(__name__)

@app.route("/names")
def names():
    try:
        return jsonify(sqlite3.connect("a.db").execute("SELECT name FROM people").fetchall())
    except Exception as error:
        logging.error("reading names: %s", error)
        return jsonify({"error": "the names cannot be read"}), 500
""",
        """
import logging
from flask import Flask, jsonify
from shop import total

app = Flask(__name__)

@app.route("/total")
def show():
    try:
        return jsonify({"total": total()})
    except Exception:
        logging.exception("no total")
        return jsonify({"error": "internal error"}), 500
""",
        """
import sqlite3
from django.http import HttpResponse

def count(request):
    try:
        rows = sqlite3.connect("shop.db").execute("SELECT count(*) FROM orders").fetchone()
    except sqlite3.Error as problem:
        print("database:", problem)
        return HttpResponse("try again later", status=500)
    return HttpResponse(str(rows[0]))
""",
        """
import traceback
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from journal import keep

app = FastAPI()

@app.exception_handler(Exception)
async def failed(request: Request, problem: Exception):
    number = keep("".join(traceback.format_exception(problem)))
    return JSONResponse({"number": number}, status_code=500)
""",
        """
from flask import Flask, jsonify, request

app = Flask(__name__)

class InvalidOrder(ValueError):
    pass

@app.route("/order", methods=["POST"])
def order():
    try:
        amount = int(request.form["amount"])
    except ValueError as problem:
        return jsonify({"error": str(problem)}), 400
    return jsonify({"amount": amount})
""",
    ),
)
