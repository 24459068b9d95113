"""Outside data run as Python."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.user_wording import for_users

_RUNS = (
    Sink(
        (
            "eval",
            "exec",
            *(
                f"code.Interactive{kind}().{how}"
                for kind in ("Interpreter", "Console")
                for how in ("runsource", "runcode", "push")
            ),
            "_testcapi.run_in_subinterp",
            "test.support.run_in_subinterp",
            "runpy.run_path",
            "timeit.timeit",
            "pandas.eval",
            "pandas.DataFrame().eval",
            "numexpr.evaluate",
            "cProfile.run",
            "types.FunctionType",
        ),
        (0, "source", "expr"),
    ),
)
_NO_CODE = ("ast.literal_eval", "repr", "-in:'", '-in:"')
_LOADED = Flow(
    sinks=(Sink(("__import__", "importlib.import_module", "compile"), (0, "name", "source")),),
    what="chooses the code that is loaded",
    harmless=("ast.parse",),
    severities={"cli": "low", "environment": "low", "file": "low", "stored": "low"},
)

RULE = FlowRule(
    id="code-injection",
    title="Outside data run as code",
    cwes=(95, 94, 96),
    severity="critical",
    severity_reason="Whoever controls the text runs Python of their choice.",
    fix="Parse the input instead (ast.literal_eval, json.loads, int), or choose among fixed"
    " functions by name.",
    reference="https://cwe.mitre.org/data/definitions/95.html",
    detectors=(
        Flow(
            sinks=_RUNS,
            what="is run as code",
            harmless=(*_NO_CODE, "json.loads"),
            severities={"parameter": "medium", "file": "medium"},
        ),
        Flow(
            sinks=_RUNS,  # a text in a request's JSON is the sender's text
            what="is run as code",
            harmless=_NO_CODE,
            severities=dict.fromkeys(("cli", "environment", "file", "stored", "parameter")),
        ),
        Flow(
            sinks=(
                Sink(("pandas.*().query", "pandas.*().eval"), (0, "expr")),
                Sink(("_xxsubinterpreters.run_string",), (1,)),
            ),
            what="is run as code",
            harmless=("ast.literal_eval", "json.loads"),
            severities={"parameter": "low", "cli": "low", "file": "low", "environment": "low"},
        ),
        _LOADED,
        for_users(_LOADED),
    ),
    insecure=(
        """
import pandas
from flask import Flask, request

app = Flask(__name__)
table = pandas.read_csv("sales.csv")

@app.get("/sales")
def sales():
    return table.query(request.args["where"]).to_json()
""",
        """
from flask import Flask, request

app = Flask(__name__)

@app.route("/calc")
def calc():
    return str(eval(request.args["expr"]))
""",
        """
def apply(formula, x):
    return eval(formula, {"x": x})
""",
        """
run = exec
source = input("code: ")
run(source)
""",
    ),
    secure=(
        """
import pandas
from flask import Flask, request

app = Flask(__name__)
table = pandas.read_csv("sales.csv")

@app.get("/sales")
def sales():
    return table[table["region"] == request.args["region"]].to_json()
""",
        """
import ast
from flask import Flask, request

app = Flask(__name__)

@app.route("/calc")
def calc():
    return {"value": ast.literal_eval(request.args["expr"])}
""",
        """
OPERATIONS = {"double": lambda x: x * 2, "square": lambda x: x * x}

def apply(name, x):
    return OPERATIONS[name](x)
""",
        """
value = int(input("number: "))
print(value + 1)
""",
    ),
)
