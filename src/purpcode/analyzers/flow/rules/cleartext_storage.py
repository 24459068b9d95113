"""Card numbers, social security numbers and the like kept as they are."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.stored_secrets import kept

_PERSONAL = re.compile(
    r"(?i)(^|_)(ssn|cvv|cvc|iban)($|_)|social_?security|credit_?card|card_?(number|no$)"
)
_TOKEN = re.compile(r"(?i)api_?key|private_?key|secret|access_?token|refresh_?token")


def _personal(code: Code) -> Iterator[Match]:
    for call, name, where in kept(code, lambda name: bool(_PERSONAL.search(name))):
        yield Match(call.node, f"'{name}' goes into {where} as it is", None, (312, 313))


def _tokens(code: Code) -> Iterator[Match]:
    """Programs must keep their keys somewhere; that is only noted."""
    for call, name, where in kept(code, lambda name: bool(_TOKEN.search(name))):
        yield Match(call.node, f"'{name}' goes into {where} as it is", "low", (312, 313))


RULE = FlowRule(
    id="cleartext-storage",
    title="Sensitive data kept in plain text",
    cwes=(312, 313),
    severity="medium",
    severity_reason="Who reads the file or database has the data of everybody in it.",
    fix="Encrypt such data with a key kept elsewhere (`Fernet`), or keep only what is needed.",
    reference="https://cwe.mitre.org/data/definitions/312.html",
    detectors=(_personal, _tokens),
    insecure=(
        """
import sqlite3

def keep_card(user, card_number, cvv):
    with sqlite3.connect("shop.db") as db:
        db.execute("INSERT INTO cards VALUES (?, ?, ?)", (user, card_number, cvv))
""",
        """
import csv

def export(path, people):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        for person in people:
            rows.writerow([person.name, person.ssn])
""",
        """
def note(person, social_security_number):
    with open("people.txt", "a") as file:
        file.write(f"{person};{social_security_number}\\n")
""",
    ),
    secure=(
        """
import sqlite3
from cryptography.fernet import Fernet

def keep_card(user, card_number, key):
    sealed = Fernet(key).encrypt(card_number.encode())
    with sqlite3.connect("shop.db") as db:
        db.execute("INSERT INTO cards VALUES (?, ?)", (user, sealed))
""",
        """
import csv

def export(path, people):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        for person in people:
            rows.writerow([person.name, person.ssn[-4:]])
""",
        """
def count(people):
    with open("people.txt", "a") as file:
        file.write(f"{len([one for one in people if one.has_ssn])}\\n")
""",
    ),
)
