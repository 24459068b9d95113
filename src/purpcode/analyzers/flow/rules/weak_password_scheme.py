"""Ready-made schemes for passwords that are fast, unsalted or no hash at all."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_SCHEMES = frozenset(
    (
        *(
            "md5_crypt",
            "des_crypt",
            "bsdi_crypt",
            "sha1_crypt",
            "hex_md5",
            "hex_sha1",
            "hex_sha256",
        ),
        *("hex_sha512", "ldap_md5", "ldap_sha1", "ldap_salted_md5", "ldap_salted_sha1", "mysql323"),
        *(
            "mysql41",
            "nthash",
            "lmhash",
            "plaintext",
            "ldap_plaintext",
            "apr_md5_crypt",
            "mssql2000",
        ),
        *(
            "mssql2005",
            "oracle10",
            "django_salted_md5",
            "django_salted_sha1",
            "postgres_md5",
            "crypt16",
        ),
    )
)


def _weak_schemes(code: Code) -> Iterator[Match]:
    """Schemes of passlib, Werkzeug and Django that are fast, unsalted or plain."""
    for call in code.calls:
        for name in call.names:
            scheme = name.rpartition(".")[0].rpartition(".")[2]
            if (
                name.startswith("passlib.hash.")
                and scheme in _SCHEMES
                and name.endswith((".hash", ".encrypt"))
            ):
                yield Match(call.node, f"{scheme} is quickly tried", None, (916, 328))
    for call in code.calls_to(("passlib.context.CryptContext",)):
        schemes = call.argument(0, "schemes")
        first = schemes.items[0].text if schemes is not None and schemes.items else None
        chosen = call.keywords.get("default")
        if (chosen.text if chosen is not None else first) in _SCHEMES:
            yield Match(call.node, "new passwords get a hash that is quickly tried", None, (916,))
    for call in code.calls_to(("werkzeug.security.generate_password_hash",)):
        method = call.argument(1, "method")
        text = (method.text or "") if method is not None else ""
        if re.match(r"(plain|md5|sha1|sha256|sha512|sha224|sha384)$", text):
            yield Match(call.node, f"{text} is one round of a fast hash", None, (916,))
    for store in code.stores_to(("PASSWORD_HASHERS",)):
        first = store.value.items[0].text if store.value.items else None
        if (
            first
            and re.search(r"MD5|SHA1Password|Unsalted|Crypt(?!o)Password", first)
            and "BCrypt" not in first
            and "PBKDF2" not in first
        ):
            yield Match(store.node, "new passwords get a hash that is quickly tried")


RULE = FlowRule(
    id="weak-password-scheme",
    title="Weak scheme for passwords",
    cwes=(916, 328, 256),
    severity="medium",
    severity_reason="Stolen hashes of these schemes are turned back into passwords by guessing.",
    fix="Name argon2, bcrypt or scrypt first; keep old schemes only to check old hashes.",
    reference="https://passlib.readthedocs.io/en/stable/narr/quickstart.html",
    detectors=(_weak_schemes,),
    insecure=(
        """
from passlib.hash import md5_crypt

def kept(password):
    return md5_crypt.hash(password)
""",
        """
from werkzeug.security import generate_password_hash

def kept(password):
    return generate_password_hash(password, method="sha256")
""",
        """
from passlib.context import CryptContext

CONTEXT = CryptContext(schemes=["sha1_crypt", "des_crypt"])

def kept(password):
    return CONTEXT.hash(password)
""",
        """
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
""",
    ),
    secure=(
        """
from passlib.context import CryptContext

CONTEXT = CryptContext(schemes=["argon2", "md5_crypt"], deprecated=["md5_crypt"])

def kept(password):
    return CONTEXT.hash(password)
""",
        """
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
""",
        """
from werkzeug.security import generate_password_hash

def kept(password):
    return generate_password_hash(password, method="scrypt")
""",
    ),
)
