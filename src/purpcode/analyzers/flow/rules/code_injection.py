"""Outside data run as Python."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule

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
            sinks=(
                Sink(
                    (
                        "eval",
                        "exec",
                        "code.InteractiveInterpreter().runsource",
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
            ),
            what="is run as code",
            harmless=("ast.literal_eval", "json.loads", "repr", "-in:'", '-in:"'),
            severities={"parameter": "medium", "file": "medium"},
        ),
        Flow(
            sinks=(
                Sink(("__import__", "importlib.import_module", "compile"), (0, "name", "source")),
            ),
            what="chooses the code that is loaded",
            harmless=("ast.parse",),
            severities={"cli": "low", "environment": "low", "file": "low", "stored": "low"},
        ),
    ),
    insecure=(
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
