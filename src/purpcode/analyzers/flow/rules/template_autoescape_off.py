"""Templates of web pages that put values in without escaping them."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match

_WEB = (
    "flask",
    "django",
    "fastapi",
    "starlette",
    "aiohttp",
    "bottle",
    "sanic",
    "quart",
    "tornado",
    "http.server",
    "wsgiref",
)
_HTML = re.compile(r"(?i)\.html?\b|</[a-z]\w*>|<html|<p>|<h\d>|<li>|<div")
_RAW = re.compile(r"\{\{[^}]*\|\s*safe\s*\}\}|\{%-?\s*autoescape\s+(false|off)\s*-?%\}")
_ESCAPED_FILES = (".html", ".htm", ".xml", ".xhtml", ".svg")
_RENDERED = (
    "flask.render_template_string",
    "jinja2.Template",
    "*.from_string",
    "django.template.Template",
    "quart.render_template_string",
)


def _shows_pages(code: Code) -> bool:
    return code.uses_module(*_WEB) or any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and _HTML.search(one.value)
        for one in code.nodes
    )


def _environments(code: Code) -> Iterator[Match]:
    """A jinja2 environment escapes only where it is told to."""
    for call in code.calls_to(("jinja2.Environment", "jinja2.Template")):
        if _is_off(call):
            template = "jinja2.Template" in call.names
            if template and not _is_html(call):
                continue
            level: Level = "medium" if template or _shows_pages(code) else "low"
            yield Match(call.node, "the template engine does not escape values", level)
    for call in code.calls_to(
        ("tornado.web.Application", "tornado.template.Template", "tornado.template.Loader")
    ):
        value = call.keywords.get("autoescape")
        if value is not None and value.const is None and value.known:
            yield Match(call.node, "the template engine does not escape values")
    for store in code.stores_to(("*.jinja_env.autoescape", "*.jinja_options[]")):
        if store.value.const is False:
            yield Match(store.node, "the template engine does not escape values")


def _is_off(call: Call) -> bool:
    value = call.keywords.get("autoescape")
    if value is None:
        return not call.spread
    return value.known and not value.const


def _is_html(call: Call) -> bool:
    """Whether a literal template is a page that shows a variable."""
    source = call.argument(0, "source")
    text = source.text if source is not None else None
    return bool(
        text
        and re.search(r"</[a-zA-Z]\w*>", text)
        and re.search(r"\{\{(?![^}]*\|\s*e(scape)?\s*\}\})", text)
    )


def _raw_templates(code: Code) -> Iterator[Match]:
    """`|safe` and `autoescape false` in a template that shows outside data."""
    for call in code.calls_to(_RENDERED):
        source = call.argument(0)
        if source is None or not source.text or not _RAW.search(source.text):
            continue
        shown = [value for key, value in call.keywords.items() if _is_raw(source.text, key)]
        if any(
            taint.kind == "request" and not _cleaned(taint.passed)
            for v in shown
            for taint in v.taints
        ):
            yield Match(call.node, "the template shows a request's data unescaped")


def _by_extension(code: Code) -> Iterator[Match]:
    """Flask escapes in `.html` files; what a view shows of others goes out as HTML all the same."""
    for call in code.calls_to(("flask.render_template", "quart.render_template")):
        name = call.args[0].text if call.args else None
        if name is None or name.lower().endswith(_ESCAPED_FILES):
            continue
        shown = any(
            taint.kind == "request" and not _cleaned(taint.passed)
            for value in call.keywords.values()
            for taint in value.taints
        )
        if shown and isinstance(code.parents.get(id(call.node)), ast.Return):
            yield Match(call.node, "only in .html and .xml files values are escaped")


def _is_raw(template: str, key: str) -> bool:
    if re.search(r"\{%-?\s*autoescape\s+(false|off)", template):
        return True
    return re.search(r"\{\{\s*" + re.escape(key) + r"\b[^}]*\|\s*safe\s*\}\}", template) is not None


def _cleaned(passed: frozenset[str]) -> bool:
    return any(re.search(r"escape|clean|sanitiz|markdown|int$", name) for name in passed)


RULE = FlowRule(
    id="template-autoescape-off",
    title="Templates without escaping",
    cwes=(79, 116),
    severity="medium",
    severity_reason="Text of visitors becomes markup and script of the page.",
    fix="Switch escaping on (autoescape=select_autoescape() or True) and mark only markup of your"
    " own as safe.",
    reference="https://jinja.palletsprojects.com/en/stable/api/#autoescaping",
    detectors=(_environments, _raw_templates, _by_extension),
    insecure=(
        """
from flask import Flask, render_template, request

app = Flask(__name__)

@app.get("/found")
def found():
    return render_template("found.tpl", query=request.args["q"])
""",
        """
from flask import Flask
from jinja2 import Environment, FileSystemLoader

app = Flask(__name__)
env = Environment(loader=FileSystemLoader("pages"))

@app.route("/")
def index():
    return env.get_template("index.html").render(title="Start")
""",
        """
from jinja2 import Template

PAGE = Template("<html><body><h1>{{ title }}</h1></body></html>")

def page(title):
    return PAGE.render(title=title)
""",
        """
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/note")
def note():
    return render_template_string("<p>{{ text|safe }}</p>", text=request.args.get("text"))
""",
        """
import tornado.web

def make(handlers):
    return tornado.web.Application(handlers, autoescape=None)
""",
    ),
    secure=(
        """
from flask import Flask, render_template, request

app = Flask(__name__)

@app.get("/found")
def found():
    return render_template("found.html", query=request.args["q"])
""",
        """
from flask import Flask
from jinja2 import Environment, FileSystemLoader, select_autoescape

app = Flask(__name__)
env = Environment(loader=FileSystemLoader("pages"), autoescape=select_autoescape())

@app.route("/")
def index():
    return env.get_template("index.html").render(title="Start")
""",
        """
from jinja2 import Template

PAGE = Template("<html><body><h1>{{ title }}</h1></body></html>", autoescape=True)

def page(title):
    return PAGE.render(title=title)
""",
        """
import bleach
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/note")
def note():
    text = bleach.clean(request.args.get("text", ""))
    return render_template_string("<p>{{ text|safe }}</p>", text=text)
""",
        """
from jinja2 import Template

UNIT = Template("[Service]\\nExecStart={{ command }}\\n")

def unit(command):
    return UNIT.render(command=command)
""",
    ),
)
