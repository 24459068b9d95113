"""Redirects to addresses that outside data chooses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import Taint, Value

_OWN_ADDRESSES = (".url", ".full_path", ".get_full_path", ".build_absolute_uri", ".uri", ".host")
"""Parts of a request that say where it came in: leading there again leads nowhere else."""


def _host_is_open(value: Value) -> bool:
    if value.taints and all(one.origin.endswith(_OWN_ADDRESSES) for one in value.taints):
        return False
    begin = value.starts_with()
    if begin.startswith("/") and len(begin) > 1 and begin[1] not in "/\\":
        return False
    scheme, found, rest = begin.partition("://")
    del scheme
    return not (found and "/" in rest)


_SLASH = frozenset(("+.startswith", "+str.startswith"))
_REDIRECTS = (
    "flask.redirect",
    "django.shortcuts.redirect",
    "django.http.HttpResponseRedirect",
    "fastapi.responses.RedirectResponse",
    "aiohttp.web.HTTPFound",
    "bottle.redirect",
    "django.http.HttpResponsePermanentRedirect",
    "*.redirect",
    "django.views.generic.RedirectView",
    "sanic.response.redirect",
)
_HOSTS_CHECKED = (
    *(
        "+*.netloc",
        "-*.netloc",
        "+*.hostname",
        "+urllib.parse.urlparse",
        "flask.url_for",
    ),
    *("-urllib.parse.urlparse", "+urllib.parse.urlsplit", "-urllib.parse.urlsplit"),
    *("+*url_has_allowed_host*", "django.urls.reverse"),
)
_FLOW = Flow(
    sinks=(
        Sink(
            _REDIRECTS,
            (0, "location", "url", "to"),
            holds=_host_is_open,
        ),
    ),
    what="chooses where the browser goes",
    harmless=(*_HOSTS_CHECKED, "+.startswith", "-.startswith"),
    severities={
        "cli": None,
        "environment": None,
        "file": None,
        "stored": "low",
        "network": "low",
        "parameter": "low",
    },
)
_NAMED = re.compile(
    r"(?i)^parameter '(next|next_?(url|page)|return_?(url|to)|redirect_?(url|uri|to)|continue_?url|"
    r"target_?url|dest(ination)?_?url|goto|user_?url)'$"
)
_TO_PARAMETER = replace(
    _FLOW,
    sinks=(Sink(_REDIRECTS[:-3], (0, "location", "url", "to"), holds=_host_is_open),),
    severities={
        **dict.fromkeys(("request", "network", "cli", "environment", "file", "stored")),
        "parameter": "medium",
    },
    parameter_when=lambda value: any(_NAMED.search(one.origin) for one in value.taints),
)


def _mentions(scope: Scope, *texts: str) -> bool:
    return any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value in texts
        for one in walk(scope.node)
    )


def _behind_a_slash(code: Code) -> Iterator[Match]:
    """`if url.startswith("/")`: `//evil.example` begins with a slash, too."""
    tests: dict[str, set[str | None]] = {}
    for one in code.calls_to(("*.startswith",)):
        tests.setdefault(one.scope.path, set()).add(one.args[0].text if one.args else None)
    for call in code.calls_to(_REDIRECTS):
        if tests.get(call.scope.path) != {"/"} or _mentions(call.scope, "//", "/\\", "\\"):
            continue
        for value in call.args[:1]:
            for taint in value.taints:
                checked = _FLOW.is_harmless(Taint(taint.kind, 0, "", taint.passed - _SLASH))
                if taint.kind == "request" and "+.startswith" in taint.passed and not checked:
                    yield Match(call.node, "an address that begins with `//` has a host")
                    break


def _location_headers(code: Code) -> Iterator[Match]:
    """`response.headers["Location"] = url` and `Response(headers={"Location": url})`."""
    for store in code.stores:
        if store.key in ("Location", "location") and _host_is_open(store.value):
            yield from _FLOW.judge(store.node, store.value)
    for display in code.displays:
        value = (display.value.fields or {}).get("Location")
        around = code.parents.get(id(display.node))
        is_header = isinstance(around, ast.keyword) and around.arg == "headers"
        if value is not None and is_header and _host_is_open(value):
            yield from _FLOW.judge(display.node, value)
    for call in code.calls_to(("*.send_header", "?start_response")):
        if len(call.args) < 2 or call.args[0].text not in ("Location", "location"):
            continue
        if _host_is_open(call.args[1]):
            yield from _FLOW.judge(call.node, call.args[1])


RULE = FlowRule(
    id="open-redirect",
    title="Redirect to an address from outside data",
    cwes=(601,),
    severity="medium",
    severity_reason="A link to a trusted site leads to one of the attacker's choice.",
    fix="Redirect only to known routes (url_for) or check that the address has no host of its own.",
    reference="https://cwe.mitre.org/data/definitions/601.html",
    detectors=(
        _FLOW,
        _TO_PARAMETER,
        _behind_a_slash,
        _location_headers,
    ),
    insecure=(
        """
from flask import redirect

def after_login(next_url):
    return redirect(next_url)
""",
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.route("/back")
def back():
    target = request.args.get("to", "/")
    if target.startswith("/"):
        return redirect(target)
    return redirect("/")
""",
        """
from flask import Flask, Response, request

app = Flask(__name__)

@app.route("/leave")
def leave():
    return Response(status=302, headers={"Location": request.args["url"]})
""",
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.route("/go")
def go():
    return redirect(request.args.get("next"))
""",
        """
from django.http import HttpResponseRedirect

def leave(request):
    target = request.GET.get("url", "/")
    return HttpResponseRedirect(target)
""",
        """
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app = FastAPI()

@app.get("/out")
def out(target: str):
    return RedirectResponse("https://" + target)
""",
    ),
    secure=(
        """
from urllib.parse import urlparse
from flask import redirect

def after_login(next_url):
    if urlparse(next_url).netloc:
        next_url = "/"
    return redirect(next_url)
""",
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.post("/pictures")
def pictures():
    if "picture" not in request.files:
        return redirect(request.url)
    return redirect("/done")
""",
        """
from flask import Flask, redirect, request

app = Flask(__name__)

@app.route("/back")
def back():
    target = request.args.get("to", "/")
    if target.startswith("/") and not target.startswith("//"):
        return redirect(target)
    return redirect("/")
""",
        """
from flask import Flask, redirect, request, url_for

app = Flask(__name__)
PAGES = {"home": "index", "help": "help_page"}

@app.route("/go")
def go():
    return redirect(url_for(PAGES.get(request.args.get("page"), "index")))
""",
        """
from django.http import HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

def leave(request):
    target = request.GET.get("url", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={"example.com"}):
        target = "/"
    return HttpResponseRedirect(target)
""",
        """
from urllib.parse import urlparse
from flask import Flask, abort, redirect, request

app = Flask(__name__)

@app.route("/go")
def go():
    target = request.args.get("next", "/")
    if urlparse(target).netloc != "":
        abort(400)
    return redirect(target)
""",
    ),
)
