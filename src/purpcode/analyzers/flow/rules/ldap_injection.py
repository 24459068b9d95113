"""LDAP filters and names put together from outside data."""

from purpcode.analyzers.flow.detectors import Flow, Sink, is_built
from purpcode.analyzers.flow.rule import FlowRule

_ESCAPES = (
    *("ldap.filter.escape_filter_chars", "ldap3.utils.conv.escape_filter_chars", "*escape*"),
    *("ldap.dn.escape_dn_chars", "ldap.filter.filter_format", "ldap3.utils.dn.escape_rdn"),
)


def _is_filter(begin: str) -> bool:
    return begin.startswith("(") or "=" in begin


RULE = FlowRule(
    id="ldap-injection",
    title="LDAP query built from outside data",
    cwes=(90,),
    severity="high",
    severity_reason="Whoever controls part of a filter reads entries or gets past a login.",
    fix="Escape the value with ldap.filter.escape_filter_chars (or ldap3.utils.conv's) before it"
    " becomes part of a filter.",
    reference="https://cwe.mitre.org/data/definitions/90.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    ("*.search_s", "*.search_ext", "*.search_ext_s", "*.search_st"),
                    (0, 2, "base", "filterstr"),
                ),
                Sink(
                    ("ldap3.Connection().search", "*.extend.standard.paged_search"),
                    (0, 1, "search_base", "search_filter"),
                ),
                Sink(
                    (
                        *("*.simple_bind_s", "*.bind_s", "*.modify_s", "*.add_s", "*.delete_s"),
                        *("*.compare_s", "*.passwd_s"),
                    ),
                    (0, "who", "dn", "user"),
                    holds=lambda value: is_built(value) and "=" in value.starts_with(),
                ),
                Sink(
                    ("ldap3.Connection",),
                    ("user",),
                    holds=lambda value: is_built(value) and "=" in value.starts_with(),
                ),
                Sink(
                    ("*.search",),
                    (0, 1, "search_base", "search_filter"),
                    holds=lambda value: is_built(value) and _is_filter(value.starts_with()),
                ),
            ),
            what="is part of an LDAP query",
            harmless=_ESCAPES,
            severities={"parameter": "medium"},
            parameter_when=is_built,
        ),
    ),
    insecure=(
        """
import ldap

def sign_in(name, password):
    connection = ldap.initialize("ldaps://directory.example.com")
    connection.simple_bind_s(f"uid={name},ou=people,dc=example,dc=com", password)
    return connection
""",
        """
import ldap
from flask import Flask, request

app = Flask(__name__)

@app.route("/find")
def find():
    connection = ldap.initialize("ldap://directory.example.com")
    query = "(uid=" + request.args["user"] + ")"
    return {"n": len(connection.search_s("dc=example,dc=com", ldap.SCOPE_SUBTREE, query))}
""",
        """
from ldap3 import Connection

def find(connection: Connection, name):
    connection.search("dc=example,dc=com", f"(&(objectClass=person)(cn={name}))")
    return connection.entries
""",
        """
import ldap

def remove(request):
    connection = ldap.initialize("ldap://directory.example.com")
    base = "ou=%s,dc=example,dc=com" % request.POST["unit"]
    return connection.search_s(base, ldap.SCOPE_SUBTREE, "(objectClass=*)")
""",
    ),
    secure=(
        """
import ldap
from ldap.dn import escape_dn_chars

def sign_in(name, password):
    if not password:
        raise ValueError("a password is needed")
    connection = ldap.initialize("ldaps://directory.example.com")
    name = escape_dn_chars(name)
    connection.simple_bind_s(f"uid={name},ou=people,dc=example,dc=com", password)
    return connection
""",
        """
import ldap
from ldap.filter import escape_filter_chars
from flask import Flask, request

app = Flask(__name__)

@app.route("/find")
def find():
    connection = ldap.initialize("ldap://directory.example.com")
    query = "(uid=" + escape_filter_chars(request.args["user"]) + ")"
    return {"n": len(connection.search_s("dc=example,dc=com", ldap.SCOPE_SUBTREE, query))}
""",
        """
from ldap3 import Connection
from ldap3.utils.conv import escape_filter_chars

def find(connection: Connection, name):
    connection.search("dc=example,dc=com", f"(cn={escape_filter_chars(name)})")
    return connection.entries
""",
        """
import ldap

UNITS = {"people": "ou=people,dc=example,dc=com"}

def listing(request):
    connection = ldap.initialize("ldap://directory.example.com")
    return connection.search_s(UNITS[request.GET["unit"]], ldap.SCOPE_SUBTREE, "(objectClass=*)")
""",
    ),
)
