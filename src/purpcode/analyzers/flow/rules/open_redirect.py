"""Redirects to addresses that outside data chooses."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.values import Value


def _host_is_open(value: Value) -> bool:
    begin = value.starts_with()
    if begin.startswith("/") and len(begin) > 1 and begin[1] not in "/\\":
        return False
    scheme, found, rest = begin.partition("://")
    del scheme
    return not (found and "/" in rest)


RULE = FlowRule(
    id="open-redirect",
    title="Redirect to an address from outside data",
    cwes=(601,),
    severity="medium",
    severity_reason="A link to a trusted site leads to one of the attacker's choice.",
    fix="Redirect only to known routes (url_for) or check that the address has no host of its own.",
    reference="https://cwe.mitre.org/data/definitions/601.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    (
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
                    ),
                    (0, "location", "url", "to"),
                    holds=_host_is_open,
                ),
            ),
            what="chooses where the browser goes",
            harmless=(
                *(
                    "+*.netloc",
                    "-*.netloc",
                    "+*.hostname",
                    "+urllib.parse.urlparse",
                    "flask.url_for",
                ),
                *("-urllib.parse.urlparse", "+urllib.parse.urlsplit", "-urllib.parse.urlsplit"),
                *("+*url_has_allowed_host*", "+.startswith", "django.urls.reverse", "-.startswith"),
            ),
            severities={
                "cli": None,
                "environment": None,
                "file": None,
                "stored": "low",
                "network": "low",
                "parameter": "low",
            },
        ),
    ),
    insecure=(
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
