"""What values are for, which keys are fixed, and which texts look like secrets."""

from __future__ import annotations

import ast
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.findings import find_weaknesses
from purpcode.analyzers.flow.interpreter import interpret
from purpcode.analyzers.flow.key_material import is_fixed
from purpcode.analyzers.flow.purpose import purposes, words_of
from purpcode.analyzers.flow.secret_shapes import entropy, is_known_token, is_placeholder, is_random
from purpcode.analyzers.flow.source import parse_python


def _code(text: str) -> Code:
    return interpret(parse_python(text), text)


def _purposes_of(text: str, name: str) -> set[str]:
    code = _code(text)
    call = next(iter(code.calls_to((name,))))
    return purposes(code, call.node)


def test_a_value_is_followed_through_variables_to_keys() -> None:
    text = """
import random
def make_code(store):
    number = random.randint(0, 9)
    shown = str(number)
    store["otp"] = shown
    return {"pin": shown}
"""
    assert {"number", "shown", "otp", "pin"} <= _purposes_of(text, "random.randint")


def test_a_value_ends_in_a_call_that_is_no_carrier() -> None:
    text = """
import random
token = login(random.choice(users), delay=random.random())
"""
    assert _purposes_of(text, "random.choice") == {"login"}
    assert _purposes_of(text, "random.random") == {"login", "delay"}


def test_a_value_put_into_a_list_goes_where_the_list_goes() -> None:
    text = """
import random
def password():
    letters = []
    for _ in range(8):
        letters.append(random.choice("ab"))
    return "".join(letters)
"""
    assert {"letters", "password"} <= _purposes_of(text, "random.choice")


def test_words_of_an_expression_are_names_attributes_and_literal_keys() -> None:
    node = ast.parse("user.name + form['pass'] + data.get('pin')", mode="eval").body
    assert words_of(node) == {"user", "name", "form", "pass", "data", "get", "pin"}


@pytest.mark.parametrize(
    ("key", "fixed"),
    [
        ("b'0123456789abcdef'", True),
        ("'0123456789abcdef'.encode()", True),
        ("b'ab' * 8", True),
        ("bytes(16)", True),
        ("bytes([1, 2, 3])", True),
        ("bytes.fromhex('00ff')", True),
        ("base64.b64decode('AAAA')", True),
        ("hashlib.sha256(b'word').digest()[:16]", True),
        ("base64.urlsafe_b64encode(hashlib.sha256(b'word').digest())", True),
        ("hashlib.sha256(given).digest()", False),
        ("os.urandom(16)", False),
        ("given.encode()", False),
        ("b''", False),
    ],
)
def test_keys_made_of_literals_only_are_fixed(key: str, fixed: bool) -> None:
    code = _code(f"import base64, hashlib, os\ndef f(given):\n    use({key})\n")
    call = next(iter(code.calls_to(("?use",))))
    assert is_fixed(code, call, 0, None) is fixed


def test_a_hostile_length_is_not_computed() -> None:
    code = _code("use(b'a' * 10**9)\nuse(bytes(10**9))\n")
    assert all(not call.args[0].known for call in code.calls_to(("?use",)))


@pytest.mark.parametrize(
    "text", ["<password>", "your-key-here", "changeme", "DB_PASSWORD", "", "a b"]
)
def test_placeholders_are_no_secrets(text: str) -> None:
    assert is_placeholder(text)


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=36, max_size=36))
def test_a_token_of_a_known_form_is_known_unless_it_is_an_example(body: str) -> None:
    shown = "ghp_" + body
    filler = "xxxxx" in body.lower() or "00000000" in body or "EXAMPLE" in body
    assert is_known_token(shown) is not filler
    assert not is_known_token("ghp-" + body)


@given(st.text(max_size=200))
def test_entropy_is_between_none_and_that_of_all_different(text: str) -> None:
    assert 0 <= entropy(text) <= 8.0
    if len(text) < 16:
        assert not is_random(text)


@pytest.mark.parametrize(
    "text",
    [
        "from Crypto.Cipher import AES\nAES.new()\n",
        "import jwt\njwt.decode()\njwt.encode()\n",
        "import hashlib\nhashlib.new()\nhashlib.pbkdf2_hmac()\n",
        "import random\nrandom.seed()\ntoken = random.randint(*x)\n",
        "import ssl\nssl.SSLContext()\nctx.set_verify()\n",
        "import ldap\nldap.initialize().simple_bind_s(*given)\n",
        "len() < 3\nlen(password, 2) < 4\ninput()\n",
    ],
)
def test_calls_with_missing_arguments_break_no_rule(text: str) -> None:
    find_weaknesses(text)
