"""The Host header believed without a list of own names."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code, Scope
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import Value

_HOSTS = (
    ".host",
    ".host_url",
    ".url_root",
    ".base_url",
    ".get_host()",
    ".get_host",
    ".build_absolute_uri()",
    ".build_absolute_uri",
)
_LINK = re.compile(r"(?i)reset|confirm|verif|activat|invit|forgot|magic_?link|unsubscribe|recover")


def _is_open(value: Value) -> bool:
    return any(one.text == "*" for one in value.items or (value,))


def _settings(code: Code) -> Iterator[Match]:
    for store in code.stores_to(("ALLOWED_HOSTS",)):
        if _is_open(store.value):
            yield Match(store.node, "ALLOWED_HOSTS accepts every name", _level(code))
    for call in code.calls_to(("*.TrustedHostMiddleware", "*.add_middleware")):
        value = call.keywords.get("allowed_hosts")
        if value is not None and _is_open(value):
            yield Match(call.node, "every host name is accepted", "low")


def _level(code: Code) -> Level:
    """Low in settings for development."""
    debug = any(s.value.const is True for s in code.stores_to(("DEBUG",)))
    return "low" if debug else "medium"


def _links(code: Code) -> Iterator[Match]:
    """Links for mails that carry a token, built on the host that the request names."""
    for store in code.stores:
        if _is_link(store.value, store.scope):
            yield Match(store.node, "a link with a secret leads to the host that the request names")


def _is_link(value: Value, scope: Scope) -> bool:
    if not value.built or not _LINK.search(scope.name):
        return False
    return any(
        taint.kind == "request" and _names_host(taint.origin, taint.passed)
        for taint in value.taints
        if not any(one.startswith(("+in", "+equals")) for one in taint.passed)
    )


def _names_host(origin: str, passed: frozenset[str]) -> bool:
    return origin.endswith(_HOSTS) or any(
        one.endswith((".get_host", ".build_absolute_uri")) for one in passed
    )


RULE = FlowRule(
    id="host-header-trusted",
    title="Host header believed",
    cwes=(644, 20),
    severity="medium",
    severity_reason="The sender chooses where links in mails lead, tokens included.",
    fix="List your host names (ALLOWED_HOSTS) and build links on a configured address.",
    reference="https://docs.djangoproject.com/en/stable/topics/security/#host-header-validation",
    detectors=(_settings, _links),
    insecure=(
        """
ALLOWED_HOSTS = ["*"]
SECRET_KEY_FILE = "/run/secrets/django"
ROOT_URLCONF = "shop.urls"
""",
        """
import secrets
from flask import Flask, request
from post import send

app = Flask(__name__)

@app.route("/forgot", methods=["POST"])
def reset_password():
    token = secrets.token_urlsafe(32)
    link = f"https://{request.host}/reset/{token}"
    send(request.form["email"], link)
    return "sent"
""",
        """
from django.http import HttpResponse
from post import send, new_token

def confirm_address(request):
    address = "https://" + request.get_host() + "/confirm/" + new_token()
    send(request.POST["email"], address)
    return HttpResponse("sent")
""",
    ),
    secure=(
        """
ALLOWED_HOSTS = ["shop.example.com", ".shop.example.org"]
ROOT_URLCONF = "shop.urls"
""",
        """
import secrets
from flask import Flask, current_app, request
from post import send

app = Flask(__name__)

@app.route("/forgot", methods=["POST"])
def reset_password():
    token = secrets.token_urlsafe(32)
    link = f"https://{current_app.config['PUBLIC_HOST']}/reset/{token}"
    send(request.form["email"], link)
    return "sent"
""",
        """
import os

ALLOWED_HOSTS = os.environ["SHOP_HOSTS"].split(",")
ROOT_URLCONF = "shop.urls"
""",
    ),
)
