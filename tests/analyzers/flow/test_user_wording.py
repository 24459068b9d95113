"""A function that says users choose what it gets is judged as one that answers them."""

from __future__ import annotations

import pytest

from purpcode.analyzers.flow.findings import find_weaknesses

FETCH = '''
import requests

def fetch(address):
    """{said}"""
    return requests.get(address, timeout=5).text
'''


def severities(said: str) -> set[str]:
    found = find_weaknesses(FETCH.format(said=said))
    return {one.severity for one in found if one.rule_id == "server-side-request-forgery"}


@pytest.mark.parametrize(
    "said",
    ["The page a visitor asked for.", "Fetch a user-supplied address.", "Open the user's link."],
)
def test_an_address_that_users_choose_fails(said: str) -> None:
    assert "medium" in severities(said)


@pytest.mark.parametrize(
    "said",
    ["Fetch a page.", "Send the user agent and fetch a page.", "The page an administrator entered"],
)
def test_an_address_of_an_unseen_caller_is_only_noted(said: str) -> None:
    assert severities(said) == {"low"}


def test_a_host_that_was_parsed_and_refused_is_no_open_redirect() -> None:
    code = """
from urllib.parse import urlparse
from flask import Flask, redirect, request

app = Flask(__name__)

@app.get("/go")
def go():
    target = request.args.get("to", "/")
    if urlparse(target).netloc:
        return redirect("/")
    return redirect(target)
"""
    assert not [one for one in find_weaknesses(code) if one.rule_id == "open-redirect"]
