"""SQL put together from outside data."""

import re

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.detectors import CHECKS, NUMBERS, Flow, Sink, is_built
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.values import Value

_SQL = re.compile(
    r"""(?isx)\A\s*(?:
        select\b.*\bfrom\b | insert\s+(?:or\s+\w+\s+|ignore\s+)?into\b | replace\s+into\b
        | update\s+\S+\s+set\b | delete\s+from\b | alter\s+table\b | drop\s+table\b
    )"""
)
_ONLY_SHOW = frozenset(
    (
        "print",
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "critical",
        "log",
        "format",
        "join",
        "append",
        "sub",
        "text",
        "write",
        "dedent",
        "strip",
    )
)
"""What is done with a query that does not run it."""


def _is_sql(value: Value) -> bool:
    return value.built and _SQL.match(value.starts_with()) is not None


def _may_run_it(call: Call) -> bool:
    return not any(name.rpartition(".")[2] in _ONLY_SHOW for name in call.names) and not any(
        name[0] == "@" or name[:1].isupper() for name in call.names
    )


_HARMLESS = tuple(one for one in (*NUMBERS, *CHECKS) if one != "route.int")
"""A route that says `<int:id>` stands far from the query, which is to be safe without it."""

RULE = FlowRule(
    id="sql-injection",
    title="SQL query built from outside data",
    cwes=(89, 943),
    severity="high",
    severity_reason="Whoever controls part of a query can read or change what the database holds.",
    fix="Pass the values as parameters of the query (`execute(sql, (value,))`), and choose table or"
    " column names from a fixed set.",
    reference="https://cwe.mitre.org/data/definitions/89.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    ("*.execute", "*.executemany", "*.executescript", "*.mogrify"),
                    (0, "sql", "query", "statement", "operation"),
                ),
                Sink(
                    (
                        "*.objects.raw",
                        "*.objects.extra",
                        "*.extra",
                        "django.db.models.expressions.RawSQL",
                    ),
                    (),
                ),
                Sink(("pandas.read_sql", "pandas.read_sql_query"), (0, "sql")),
                Sink(("sqlalchemy.text",), (0, "text")),
                Sink(("*.query",), (0,), holds=is_built),
                Sink(("*",), (), when=_may_run_it, holds=_is_sql),
            ),
            what="is part of a SQL query",
            harmless=_HARMLESS,
            strict=True,
            severities={"parameter": "medium"},
            parameter_when=is_built,
        ),
    ),
    insecure=(
        """
import sqlite3
from flask import Flask, request

app = Flask(__name__)

@app.route("/user")
def user():
    name = request.args.get("name")
    cursor = sqlite3.connect("app.db").cursor()
    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
    return str(cursor.fetchall())
""",
        """
def find(cursor, name):
    query = f"SELECT id FROM items WHERE name = '{name}'"
    cursor.execute(query)
    return cursor.fetchone()
""",
        """
import sys
import psycopg2

def build(table, value):
    return "DELETE FROM %s WHERE id = %s" % (table, value)

with psycopg2.connect("dbname=app") as conn:
    with conn.cursor() as cur:
        cur.execute(build("logs", sys.argv[1]))
""",
    ),
    secure=(
        """
import sqlite3
from flask import Flask, request

app = Flask(__name__)

@app.route("/user")
def user():
    name = request.args.get("name")
    cursor = sqlite3.connect("app.db").cursor()
    cursor.execute("SELECT * FROM users WHERE name = ?", (name,))
    return {"rows": cursor.fetchall()}
""",
        """
COLUMNS = {"name": "name", "age": "age"}

def find(cursor, column):
    if column not in COLUMNS:
        raise ValueError("unknown column")
    cursor.execute(f"SELECT id FROM items ORDER BY {column}")
    return cursor.fetchone()
""",
        """
import sys
import psycopg2

with psycopg2.connect("dbname=app") as conn:
    with conn.cursor() as cur:
        cur.execute("DELETE FROM logs WHERE id = %s", (int(sys.argv[1]),))
""",
    ),
)
