"""Which texts look like secrets, and which only stand for one."""

from __future__ import annotations

import math
import re
from collections import Counter

_PLACEHOLDER = re.compile(
    r"(?i)^$|your[-_ ]|my[-_]?secret[-_]?here|[<>{}]|\$\(|^\$|change[-_ ]?(me|this|it|in)|"
    r"placeholder|example|"
    r"x{4,}|\*{3,}|\.\.\.|dummy|redacted|fixme|todo|replace[-_ ]?(me|this|with)|insert[-_ ]|"
    r"^(none|null|true|false|str|string|text|unset|optional|required|hidden|missing|n/?a|empty)$|"
    r"^%[(\w]|^(enter|please|invalid|incorrect|wrong|must)\b|not[-_ ]set|_here$|"
    r"^passw(or)?ds?:?$|^(current|new|old|confirm|user|db|database|my|"
    r"the)[-_ ]?passw(or)?d\d?:?$|^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$"
)
"""Texts that stand where a secret goes, or name it."""
_PASSWORD_NAME = re.compile(
    r"(?i)^_*([a-z0-9]+_)*(passw(or)?d|passphrase|passwd|pwd|pass|userpass|dbpass|dbpassword)(_?\d)?$"
)
_ABOUT_PASSWORDS = re.compile(
    r"(?i)(^|_)(test|fake|dummy|sample|mock|wrong|bad|invalid|hash(ed)?|min|max|no|forgot|reset|confirm|"
    r"field|input|label|prompt|msg|message|error|show|hide|type|rule)_|^pass$"
)
_DEFAULTS = re.compile(
    r"(?i)^(admin|root|password\d*|guest|changeme|letmein|123456\d*|"
    r"default|secret|toor|"
    r"qwerty|postgres|administrator|admin123|pass|test|user)$"
)
_FORMS = (
    r"AKIA[0-9A-Z]{16}",
    r"ASIA[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{36,}",
    r"github_pat_[A-Za-z0-9_]{40,}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",
    r"(?:sk|rk)_live_[A-Za-z0-9]{16,}",
    r"sk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"hf_[A-Za-z0-9]{30,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_-]{50,}",
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
)
_TOKEN = re.compile(f"(?<![A-Za-z0-9])(?:{'|'.join(_FORMS)})(?![A-Za-z0-9])")
"""Tokens of well-known services, by their published forms."""


def is_placeholder(text: str) -> bool:
    """Whether a text only stands where a secret goes (`<password>`, `changeme`, `DB_PASSWORD`)."""
    return bool(_PLACEHOLDER.search(text)) or " " in text.strip()


def is_known_token(text: str) -> bool:
    """Whether a text holds a token of a well-known service that is no mere example."""
    found = _TOKEN.search(text)
    return (
        found is not None
        and "EXAMPLE" not in found[0]
        and not re.search(r"(?i)x{5}|0{8}", found[0])
    )


def is_random(text: str) -> bool:
    """Whether a text looks random: long, of letters and digits, with much entropy a character."""
    if len(text) < 16 or not re.fullmatch(r"[A-Za-z0-9+/=_.!@#$%^&*-]+", text):
        return False
    return (
        bool(re.search(r"\d", text)) and bool(re.search(r"[A-Za-z]", text)) and entropy(text) > 3.0
    )


def entropy(text: str) -> float:
    """Shannon entropy of the characters of a text, in bits a character."""
    if not text:
        return 0.0
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def holds_password(name: str, text: str) -> bool:
    """Whether a variable of that name with that text holds a password."""
    if not _PASSWORD_NAME.search(name) or _ABOUT_PASSWORDS.search(name):
        return False
    return 3 <= len(text) <= 100 and not is_placeholder(text)


def password_cwes(text: str) -> tuple[int, ...] | None:
    """The CWEs of a literal password where they are not the usual: well-known passwords are default
    credentials as well."""
    return (1392, 259, 798) if _DEFAULTS.search(text) else None
