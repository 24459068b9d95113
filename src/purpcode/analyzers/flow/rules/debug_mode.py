"""Debug switches left on in a web application."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import any_of, argument_is, calls, stored_const, stores
from purpcode.analyzers.flow.rule import FlowRule, Match

_DJANGO = frozenset(
    ("INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "ALLOWED_HOSTS", "WSGI_APPLICATION")
)
_ON = (True, 1)


def _django_settings(code: Code) -> Iterator[Match]:
    """`DEBUG = True` beside other settings of Django."""
    names = {name for store in code.stores if not store.scope.path for name in store.names}
    if not names & _DJANGO:
        return
    for store in code.stores_to(("DEBUG",)):
        if store.value.const is True and not store.scope.path:
            yield Match(store.node, "DEBUG is on in the settings", "medium")


def _flask_config(code: Code) -> Iterator[Match]:
    """`app.config["DEBUG"] = True` and `app.config.update(DEBUG=True)`, run by this program."""
    for store in code.stores_to(("flask.Flask().config[]", "?app.config[]")):
        if store.key == "DEBUG" and store.value.const is True:
            yield Match(store.node, "the application's DEBUG setting is on")
    for call in code.calls_to(("flask.Flask().config.update", "?app.config.update")):
        value = call.keywords.get("DEBUG")
        if value is not None and value.const is True:
            yield Match(call.node, "the application's DEBUG setting is on")


def _config_class(code: Code) -> Iterator[Match]:
    """`class Config: DEBUG = True` that the application is configured from."""
    for call in code.calls_to(("*.config.from_object",)):
        used = {one.id for one in call.node.args if isinstance(one, ast.Name)}
        for node in code.nodes_of(ast.ClassDef):
            if node.name not in used or re.search(r"(?i)dev|test|debug", node.name):
                continue
            for one in node.body:
                if isinstance(one, ast.Assign) and ast.unparse(one) == "DEBUG = True":
                    yield Match(one, "the application's DEBUG setting is on")


RULE = FlowRule(
    id="debug-mode",
    title="Debug mode is on",
    cwes=(489, 215),
    severity="high",
    severity_reason="Debug pages show code and settings, and Werkzeug's console runs code"
    " for whoever reaches it.",
    fix="Leave debug off and switch it on by an environment variable on the developer's machine.",
    reference="https://cwe.mitre.org/data/definitions/489.html",
    detectors=(
        calls(
            (
                "flask.Flask().run",
                "?app.run",
                "sanic.Sanic().run",
                "bottle.run",
                "quart.Quart().run",
                "bottle.Bottle().run",
                "flask_socketio.SocketIO().run",
                "dash.Dash().run",
                "dash.Dash().run_server",
            ),
            "the server is started with debug on",
            argument_is(None, "debug", *_ON),
        ),
        calls(
            (
                "fastapi.FastAPI",
                "starlette.applications.Starlette",
                "tornado.web.Application",
                "litestar.Litestar",
                "aiohttp.web.Application",
            ),
            "the application shows tracebacks to its visitors",
            argument_is(None, "debug", *_ON),
            severity="medium",
        ),
        calls(
            ("werkzeug.serving.run_simple", "werkzeug.run_simple"),
            "the server offers the interactive debugger",
            argument_is(None, "use_debugger", *_ON),
        ),
        calls(
            ("werkzeug.debug.DebuggedApplication",),
            "the interactive debugger wraps the application",
            any_of(argument_is(1, "evalex", *_ON)),
        ),
        calls(
            ("bottle.debug",), "bottle's debug mode is on", argument_is(0, "mode", *_ON), "medium"
        ),
        stores(
            ("flask.Flask().debug", "?app.debug", "quart.Quart().debug"),
            "the application's debug switch is on",
            stored_const(*_ON),
        ),
        _flask_config,
        _config_class,
        _django_settings,
    ),
    insecure=(
        """
from flask import Flask

class Config:
    DEBUG = True

app = Flask(__name__)
app.config.from_object(Config)
""",
        """
from flask import Flask

app = Flask(__name__)

@app.route("/")
def index():
    return "ok"

if __name__ == "__main__":
    app.run(host="127.0.0.1", debug=True)
""",
        """
ALLOWED_HOSTS = ["shop.example.com"]
DEBUG = True
INSTALLED_APPS = ["django.contrib.auth", "shop"]
ROOT_URLCONF = "shop.urls"
""",
        """
from fastapi import FastAPI

api = FastAPI(title="Orders", debug=True)

@api.get("/orders")
def orders():
    return []
""",
        """
from flask import Flask

def create_app():
    service = Flask(__name__)
    service.config["DEBUG"] = True
    return service
""",
        """
from werkzeug.serving import run_simple
from shop import application

run_simple("localhost", 5000, application, use_debugger=True)
""",
    ),
    secure=(
        """
from flask import Flask

class DevelopmentConfig:
    DEBUG = True

class Config:
    DEBUG = False

app = Flask(__name__)
app.config.from_object(Config)
""",
        """
import os
from flask import Flask

app = Flask(__name__)

@app.route("/")
def index():
    return "ok"

if __name__ == "__main__":
    app.run(host="127.0.0.1", debug=os.environ.get("APP_DEBUG") == "1")
""",
        """
import os

ALLOWED_HOSTS = ["shop.example.com"]
DEBUG = os.environ.get("DJANGO_DEBUG", "") == "true"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
ROOT_URLCONF = "shop.urls"
""",
        """
from fastapi import FastAPI

api = FastAPI(title="Orders", debug=False)

@api.get("/orders")
def orders():
    return []
""",
        """
import sys

DEBUG = True

def trace(text):
    if DEBUG:
        print(text, file=sys.stderr)
""",
    ),
)
