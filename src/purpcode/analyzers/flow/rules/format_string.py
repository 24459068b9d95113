"""Outside data as the template of str.format."""

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule


def _formats_objects(call: Call) -> bool:
    """Whether what is put in is more than a literal (`date.format("YYYY")` is another method)."""
    given = [*call.args, *call.keywords.values()]
    return bool(call.unpacked) or any(not one.known for one in given)


RULE = FlowRule(
    id="format-string",
    title="Outside data as a format",
    cwes=(134,),
    severity="medium",
    severity_reason="`{user.__init__.__globals__}` in the format reads any attribute.",
    fix="Keep the format fixed and put the data in as a value; for templates of users take"
    " string.Template.",
    reference="https://cwe.mitre.org/data/definitions/134.html",
    detectors=(
        Flow(
            sinks=(
                Sink(("*.format", "*.format_map"), (), receiver=True, when=_formats_objects),
                Sink(("string.Formatter().format", "string.Formatter().vformat"), (0,)),
            ),
            what="decides which attributes are formatted",
            harmless=(".replace:{", "-in:{", "-in:__", "re.sub", "-in:."),
            severities={
                "cli": "low",
                "environment": None,
                "file": None,
                "stored": "low",
                "parameter": None,
            },
        ),
    ),
    insecure=(
        """
from flask import Flask, request
from accounts import current

app = Flask(__name__)

@app.route("/greet")
def greet():
    pattern = request.args.get("pattern", "Hello {user.name}")
    return {"text": pattern.format(user=current())}
""",
        """
from django.http import JsonResponse

def label(request):
    text = "Dear " + request.GET["greeting"] + " {order.number}"
    return JsonResponse({"label": text.format(order=request.user.last_order)})
""",
        """
from fastapi import FastAPI
from shop import product

app = FastAPI()

@app.post("/describe/{number}")
def describe(number: int, layout: str):
    return {"text": layout.format_map({"product": product(number)})}
""",
    ),
    secure=(
        """
from flask import Flask, request
from accounts import current

app = Flask(__name__)

@app.route("/greet")
def greet():
    return {"text": "Hello {user.name}, {w}".format(user=current(), w=request.args.get("w"))}
""",
        """
from string import Template
from django.http import JsonResponse

def label(request):
    text = Template(request.GET["greeting"])
    return JsonResponse({"label": text.safe_substitute(number=request.user.last_order.number)})
""",
        """
from fastapi import FastAPI
from shop import product

app = FastAPI()
LAYOUTS = {"short": "{product.name}", "long": "{product.name}: {product.text}"}

@app.post("/describe/{number}")
def describe(number: int, layout: str):
    return {"text": LAYOUTS.get(layout, "").format(product=product(number))}
""",
    ),
)
