"""Personal data sent to somebody else's service."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import walk_value

_PERSONAL = re.compile(
    r"(?i)^(ssn|social_security(_number)?|passport(_number)?|diagnosis|date_of_birth|birth_?date|"
    r"dob|religion|medical_\w+|health_\w+|iban|credit_card|card_number|home_address|"
    r"tax_id|phone_number|email(_address)?)$"
)
_THIRD = re.compile(
    r"(?i)analytics|track|segment|mixpanel|amplitude|sentry|telemetry|metrics|ads?\.|facebook|"
    r"google|webhook\.site|pastebin|slack\.com|discord"
)
_SENT = (
    "requests.post",
    "requests.get",
    "requests.put",
    "httpx.post",
    "httpx.get",
    "httpx.Client().post",
    "requests.Session().post",
    "urllib.request.Request",
)
_TRACKED = (
    "analytics.track",
    "analytics.identify",
    "mixpanel.Mixpanel().track",
    "segment.analytics.track",
    "posthog.capture",
    "sentry_sdk.set_context",
    "sentry_sdk.set_extra",
    "?analytics.track",
)


def _sent(code: Code) -> Iterator[Match]:
    for call in code.calls_to((*_SENT, *_TRACKED)):
        address = call.argument(0, "url")
        tracked = any(call.fits(one) for one in _TRACKED)
        if not tracked and not (address is not None and _THIRD.search(address.starts_with())):
            continue
        for value in (*call.args, *call.keywords.values()):
            keys = {key for one in walk_value(value) for key in (one.fields or {})}
            found = sorted(key for key in keys if _PERSONAL.search(key))
            if found:
                yield Match(call.node, f"{found[0]} leaves for another company's service")
                break


RULE = FlowRule(
    id="personal-data-sent",
    title="Personal data sent to a third party",
    cwes=(359,),
    severity="low",
    severity_reason="Whether the people agreed is not to be seen in the program.",
    fix="Send a pseudonym and what the service needs.",
    reference="https://cwe.mitre.org/data/definitions/359.html",
    detectors=(_sent,),
    insecure=(
        """
import requests

def report(patient):
    requests.post(
        "https://analytics.example.com/events",
        json={"event": "visit", "diagnosis": patient.diagnosis}, timeout=5,
    )
""",
        """
import analytics

def bought(user, order):
    analytics.track(user.id, "bought", {"order": order.id, "email": user.email})
""",
        """
import sentry_sdk

def note(user):
    sentry_sdk.set_context("person", {"ssn": user.ssn, "name": user.name})
""",
    ),
    secure=(
        """
import requests

def report(patient):
    requests.post(
        "https://analytics.example.com/events",
        json={"event": "visit", "ward": patient.ward},
        timeout=5,
    )
""",
        """
import analytics

def bought(user, order):
    analytics.track(user.pseudonym, "bought", {"order": order.id})
""",
        """
import requests

def transfer(patient, hospital):
    requests.post(
        "https://records.example.org/patients", json={"diagnosis": patient.diagnosis}, timeout=5
    )
""",
    ),
)
