import ast

import pytest

from purpcode.analyzers.flow.sensitive_names import is_secret, is_session, shown_secrets


def shown(text: str) -> list[str]:
    return list(shown_secrets(ast.parse(text, mode="eval").body))


@pytest.mark.parametrize(
    "name", ["password", "user_password", "api_key", "client_secret", "cvv", "ssn"]
)
def test_names_of_secrets_are_secret(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["password_hash", "password_length", "has_password", "token_count", "passenger", "secretary",
     "password_reset_url", "public_key", "api_key_id"],
)  # fmt: skip
def test_names_about_secrets_are_not(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    "text",
    ["password", "f'{user.password}'", "'x' + api_key", "form['password']", "form.get('password')",
     "'{}'.format(password)", "str(password)", "'%s %s' % (user, password)"],
)  # fmt: skip
def test_expressions_that_show_a_secret(text):
    assert shown(text)


@pytest.mark.parametrize(
    "text",
    ["len(password)", "password is None", "mask(password)", "password[-4:]", "bool(api_key)",
     "'password'", "digest(password).hex()", "'ok' if password else 'missing'"],
)  # fmt: skip
def test_expressions_that_keep_a_secret(text):
    assert not shown(text)


def test_session_cookies_are_told_from_others():
    assert is_session("sessionid")
    assert is_session("auth_token")
    assert not is_session("theme")
    assert not is_session("csrftoken")
