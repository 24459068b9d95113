"""Outside data that changes what a document query asks."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.form import dotted
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Taint, Value

_CLIENTS = ("pymongo", "motor", "flask_pymongo", "mongoengine", "beanie", "mongomock")
_QUERIES = (
    *("*.find_one", "*.find", "*.find_one_and_update", "*.find_one_and_delete", "*.delete_one"),
    *("*.delete_many", "*.update_one", "*.update_many", "*.replace_one", "*.count_documents"),
    *("*.aggregate", "*.distinct", "*.find_one_and_replace"),
)
_STRUCTURED = (
    ".json",
    ".get_json()",
    ".get_json",
    ".json()",
    ".body",
    ".data",
    ".get_data()",
    ".media",
)
_DECODED = frozenset(("json.loads", "json.load", "bson.json_util.loads", "ast.literal_eval"))
_STRUCTURE = Flow(
    sinks=(),
    what="may bring operators such as $ne into the query",
    harmless=(
        "str",
        "repr",
        "+isinstance",
        "*ObjectId",
        "*.hexdigest",
        "*.model_dump",
        "+re.fullmatch",
        "*schema*",
        ".strip",
        ".lower",
        ".encode",
        "*hash*",
    ),
    severities=dict.fromkeys(
        ("cli", "environment", "file", "stored", "network", "parameter"), None
    ),
)
_SCRIPT = Flow(
    sinks=(),
    what="is part of a script that the database runs",
    harmless=("*ObjectId", "json.dumps"),
    severities={
        "cli": "medium",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "parameter": "medium",
    },
    parameter_when=lambda value: value.built,
)


def _queries(code: Code) -> Iterator[tuple[Call, Value]]:
    if not code.uses_module(*_CLIENTS):
        return
    for call in code.calls_to(_QUERIES):
        query = call.argument(0, "filter")
        if query is not None:
            yield call, query


def _structures(code: Code) -> Iterator[Match]:
    for call, query in _queries(code):
        for value in (query.fields or {"": query}).values():
            kept = frozenset(one for one in value.taints if _is_structured(one))
            if kept and not value.built:
                yield from _STRUCTURE.judge(call.node, Value(kept))


def _is_structured(taint: Taint) -> bool:
    """Whether outside data may be more than a text: only decoded JSON is."""
    return (
        taint.origin.endswith(_STRUCTURED[:4])
        or taint.origin.endswith(".media")
        or bool(taint.passed & _DECODED or {".json", ".get_json"} & taint.passed)
    )


def _scripts(code: Code) -> Iterator[Match]:
    """`$where` runs JavaScript; so do `$function` and map-reduce."""
    for display in code.displays:
        for key in ("$where", "$function", "$accumulator"):
            value = (display.value.fields or {}).get(key)
            if value is not None:
                yield from _SCRIPT.judge(display.node, value)
    for call in code.calls_to(("*.where", "*.map_reduce", "*.exec_js", "*.eval")):
        if code.uses_module(*_CLIENTS):
            for value in call.args:
                yield from _SCRIPT.judge(call.node, value)


_GRAPH = re.compile(r"(?i)^\s*(OPTIONAL )?(MATCH|MERGE|CREATE|UNWIND)\s*\(")
_CYPHER = Flow(
    sinks=(
        Sink(
            ("*.run", "*.execute_query", "*.execute_read", "*.execute_write", "*.query"),
            (0, "query"),
            holds=lambda value: value.built and bool(_GRAPH.search(value.starts_with())),
        ),
    ),
    what="is part of a query of a graph database",
    severities={"parameter": "medium"},
)


def _whole_queries(code: Code) -> Iterator[Match]:
    """`collection.find(json.loads(text))`: whoever wrote the text asks what he likes."""
    for call in code.calls_to(("*.find", "*.find_one", "*.aggregate", "*.delete_many")):
        on = dotted(call.node.func).split(".")[-2:-1]
        if not on or not _COLLECTION.search(on[0]) or not call.args or call.args[0].fields:
            continue
        for taint in call.args[0].taints:
            decoded = bool(taint.passed & {"json.loads", "bson.json_util.loads"})
            if taint.kind == "parameter" and decoded and not _STRUCTURE.is_harmless(taint):
                yield Match(call.node, f"{taint.origin} is the whole query", "medium")
                break


_COLLECTION = re.compile(r"(?i)(^|_)coll(ection)?s?$|^(users|orders|products|customers|accounts)$")

RULE = FlowRule(
    id="nosql-injection",
    title="Document query with outside data",
    cwes=(943,),
    severity="high",
    severity_reason="An object in place of a text makes a check always true.",
    fix="Make the value a text first (str(value)) or check its type, and never build $where.",
    reference="https://cwe.mitre.org/data/definitions/943.html",
    detectors=(_structures, _scripts, _CYPHER, _whole_queries),
    insecure=(
        """
import json

def search(collection, text):
    \"\"\"Documents that fit a filter written in JSON.\"\"\"
    return list(collection.find(json.loads(text)))
""",
        """
def friends_of(session, name):
    \"\"\"The friends of a person in the graph.\"\"\"
    return session.run(f"MATCH (p:Person {{name: '{name}'}})-[:KNOWS]->(f) RETURN f").data()
""",
        """
from flask import Flask, request
from pymongo import MongoClient

app = Flask(__name__)
users = MongoClient().shop.users

@app.route("/login", methods=["POST"])
def login():
    sent = request.get_json()
    user = users.find_one({"name": sent["name"], "word": sent["word"]})
    return {"ok": user is not None}
""",
        """
import json
from django.http import JsonResponse
from pymongo import MongoClient

def orders(request):
    wanted = json.loads(request.body)
    found = MongoClient().shop.orders.find(wanted)
    return JsonResponse({"orders": [str(one["_id"]) for one in found]})
""",
        """
from pymongo import MongoClient

def cheaper(price):
    goods = MongoClient().shop.goods
    return list(goods.find({"$where": "this.price < " + price}))
""",
    ),
    secure=(
        """
import json

def search(collection, text):
    \"\"\"Documents of the title in a JSON message.\"\"\"
    return list(collection.find({"title": str(json.loads(text)["title"])}))
""",
        """
def friends_of(session, name):
    \"\"\"The friends of a person in the graph.\"\"\"
    query = "MATCH (p:Person {name: $name})-[:KNOWS]->(f) RETURN f"
    return session.run(query, name=name).data()
""",
        """
from flask import Flask, request
from pymongo import MongoClient

app = Flask(__name__)
users = MongoClient().shop.users

@app.route("/login", methods=["POST"])
def login():
    sent = request.get_json()
    user = users.find_one({"name": str(sent["name"]), "word": str(sent["word"])})
    return {"ok": user is not None}
""",
        """
from flask import Flask, abort, request
from pymongo import MongoClient

app = Flask(__name__)

@app.route("/orders", methods=["POST"])
def orders():
    city = request.json["city"]
    if not isinstance(city, str):
        abort(400)
    return {"orders": MongoClient().shop.orders.count_documents({"city": city})}
""",
        """
from flask import Flask, request
from pymongo import MongoClient

app = Flask(__name__)

@app.route("/find")
def find():
    found = MongoClient().shop.goods.find_one({"name": request.args["name"]})
    return {"found": found is not None}
""",
        """
from pymongo import MongoClient

def cheaper(price):
    goods = MongoClient().shop.goods
    return list(goods.find({"price": {"$lt": float(price)}}))
""",
    ),
)
