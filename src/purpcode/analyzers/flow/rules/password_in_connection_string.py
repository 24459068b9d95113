"""Addresses and connection strings that hold a password."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.secret_shapes import is_placeholder

_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^\s/:@{}<>$%\[\]]*:([^\s/@{}<>$%\[\]*]+)@[^\s/]*")
_DSN = re.compile(r"(?i)(?:^|[\s;])(?:password|pwd)\s*=\s*['\"]?([^\s;'\"{}<>%$]+)")
_DSN_OTHER = re.compile(
    r"(?i)(?:^|[\s;])(?:host|server|dbname|database|user|uid|driver|data source)\s*="
)


def _addresses(code: Code) -> Iterator[Match]:
    """`postgresql://app:password@host/db` and `host=...;password=...`."""
    for node in code.nodes_of(ast.Constant):
        if not isinstance(node.value, str) or "\n" in node.value.strip():
            continue  # a text of several lines is a document or a program, not an address
        found = _URL.match(node.value)
        if found is None and _DSN_OTHER.search(node.value):
            found = _DSN.search(node.value)
        if found and not is_placeholder(found[1]) and not _is_document(code, node):
            yield Match(node, "an address holds a password")


def _is_document(code: Code, node: ast.AST) -> bool:
    return isinstance(code.parents.get(id(node)), ast.Expr)


RULE = FlowRule(
    id="password-in-connection-string",
    title="Password in an address",
    cwes=(798, 259),
    severity="medium",
    severity_reason="Everybody who has the program has the password.",
    fix="Put the address together from the environment, or keep it there as a whole.",
    reference="https://cwe.mitre.org/data/definitions/798.html",
    detectors=(_addresses,),
    insecure=(
        """
from sqlalchemy import create_engine

engine = create_engine("postgresql://shop:s3cr3tpw@db.internal/shop")
""",
        """
import pyodbc

def connect():
    return pyodbc.connect("DRIVER={ODBC Driver 18};SERVER=db.internal;UID=shop;PWD=s3cr3tpw")
""",
        """
import os
import redis

HOST = os.environ["REDIS_HOST"]

def cache():
    return redis.from_url(f"redis://app:s3cr3tpw@{HOST}/0")
""",
    ),
    secure=(
        """
import os
from sqlalchemy import create_engine

engine = create_engine(f"postgresql://shop:{os.environ['DB_PASSWORD']}@db.internal/shop")
""",
        """
import os
import pyodbc

def connect():
    password = os.environ["DB_PASSWORD"]
    return pyodbc.connect("DRIVER={ODBC Driver 18};SERVER=db.internal;UID=shop;PWD=" + password)
""",
        """
import redis

def cache(host="localhost"):
    '''An address such as redis://user:password@host:6379/0 is built from the host.'''
    return redis.from_url(f"redis://{host}:6379/0")
""",
    ),
)
