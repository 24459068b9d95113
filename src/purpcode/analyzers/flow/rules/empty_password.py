"""Connections and accounts with an empty password, and anonymous directory binds."""

import ast
import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_CONNECTS = ("pymysql.connect", "MySQLdb.connect", "mysql.connector.connect", "psycopg2.connect",
             "psycopg.connect", "redis.Redis", "redis.StrictRedis", "paramiko.SSHClient().connect",
             "aiomysql.connect", "asyncpg.connect", "pymssql.connect", "*.create_user",
             "*.create_superuser", "mariadb.connect")  # fmt: skip
_PASSWORD = frozenset(("password", "passwd", "pwd"))
_BINDS = (
    "ldap.initialize().simple_bind_s",
    "ldap.initialize().bind_s",
    "ldap.initialize().simple_bind",
)


def _empty(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_CONNECTS):
        for name in _PASSWORD & call.keywords.keys():
            if call.keywords[name].const == "":
                yield Match(call.node, "the password is empty")


def _set_empty(code: Code) -> Iterator[Match]:
    """`user.set_password("")`, and a manager whose users get an empty password by default."""
    for call in code.calls_to(("*.set_password",)):
        given = call.argument(0, "raw_password")
        if given is not None and given.const == "":
            yield Match(call.node, "the account gets an empty password")
    for node in code.nodes_of(ast.FunctionDef):
        defaults = zip(reversed(node.args.args), reversed(node.args.defaults), strict=False)
        empty = {
            one.arg
            for one, default in defaults
            if isinstance(default, ast.Constant) and default.value == ""
        }
        for one in walk(node) if empty & _PASSWORD else ():
            if (
                isinstance(one, ast.Call)
                and getattr(one.func, "attr", "") == "set_password"
                and one.args
                and getattr(one.args[0], "id", "") in empty & _PASSWORD
            ):
                yield Match(node, "accounts get an empty password unless told otherwise")


def _settings(code: Code) -> Iterator[Match]:
    """Django's `DATABASES` with an empty password for a real server."""
    for display in code.displays:
        fields = display.value.fields or {}
        engine, password = fields.get("ENGINE"), fields.get("PASSWORD")
        if engine is None or password is None or password.const != "":
            continue
        if re.search(r"postgres|mysql|oracle", engine.text or ""):
            yield Match(display.node, "the database has no password")


def _anonymous(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_BINDS):
        who, password = call.argument(0, "who"), call.argument(1, "cred")
        empty = [one is None or one.const in ("", None) for one in (who, password)]
        if not call.spread and all(empty):
            yield Match(call.node, "nobody is authenticated", None, (287, 306))
        elif password is not None and password.const == "":
            yield Match(
                call.node, "a bind with an empty password always succeeds", None, (287, 258)
            )
    for call in code.calls_to(("ldap3.Connection",)):
        method = call.keywords.get("authentication")
        if method is not None and any(name.endswith("ANONYMOUS") for name in method.names):
            yield Match(call.node, "nobody is authenticated", None, (287, 306))


def _defaults(code: Code) -> Iterator[Match]:
    """A server that asks nobody for a password."""
    for node in code.nodes:
        if (
            isinstance(node, ast.keyword)
            and node.arg
            in (
                "trust_all",
                "allow_anonymous",
                "anonymous_enabled",
            )
            and isinstance(node.value, ast.Constant)
            and node.value.value is True
        ):
            yield Match(node.value, "everybody is let in", "low", (306,))


RULE = FlowRule(
    id="empty-password",
    title="Empty password",
    cwes=(258, 521, 287),
    severity="medium",
    severity_reason="Everybody who reaches the service is let in.",
    fix="Give the account a password and read it from the environment or a secret store.",
    reference="https://cwe.mitre.org/data/definitions/258.html",
    detectors=(_empty, _set_empty, _settings, _anonymous, _defaults),
    confidence="high",
    insecure=(
        """
from django.contrib.auth.models import BaseUserManager

class Members(BaseUserManager):
    def create_user(self, email, password=""):
        member = self.model(email=self.normalize_email(email))
        member.set_password(password)
        member.save(using=self._db)
        return member
""",
        """
import pymysql

def connect():
    return pymysql.connect(host="db.internal", user="root", password="", database="shop")
""",
        """
import ldap

def directory():
    connection = ldap.initialize("ldaps://directory.example.com")
    connection.simple_bind_s("", "")
    return connection
""",
        """
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": "",
        "HOST": "db.internal",
    }
}
""",
        """
import ldap3

def directory(host):
    return ldap3.Connection(ldap3.Server(host, use_ssl=True), authentication=ldap3.ANONYMOUS)
""",
    ),
    secure=(
        """
from django.contrib.auth.models import BaseUserManager

class Members(BaseUserManager):
    def create_user(self, email, password=None):
        member = self.model(email=self.normalize_email(email))
        member.set_password(password)
        member.save(using=self._db)
        return member
""",
        """
import os
import pymysql

def connect():
    return pymysql.connect(
        host="db.internal", user="shop", password=os.environ["DB_PASSWORD"], database="shop"
    )
""",
        """
import ldap

def directory(name, password):
    connection = ldap.initialize("ldaps://directory.example.com")
    connection.simple_bind_s(name, password)
    return connection
""",
        """
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db", "PASSWORD": ""}
}
""",
        """
def log_in(form, password=""):
    if password == "":
        return form.error("a password, please")
    return form.check(password)
""",
    ),
)
