"""Outside data as a regular expression."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.user_wording import for_users

_FLOW = Flow(
    sinks=(
        Sink(
            (
                "re.match",
                "re.search",
                "re.fullmatch",
                "re.sub",
                "re.subn",
                "re.split",
                "re.findall",
                "re.finditer",
                "re.compile",
            ),
            (0, "pattern"),
        ),
        Sink(("*.str.contains",), (0, "pat")),
    ),
    what="is used as a regular expression",
    harmless=("re.escape", "fnmatch.translate", "regex.escape", "*.hexdigest"),
    severities={
        "cli": None,
        "environment": None,
        "file": None,
        "stored": "low",
        "network": "medium",
        "parameter": None,
    },
)

RULE = FlowRule(
    id="regex-injection",
    title="Outside data as a regular expression",
    cwes=(1333, 400, 185),
    severity="medium",
    severity_reason="The sender's pattern can run for hours, or match what it should not.",
    fix="Escape the value (re.escape) or look for it as a plain text (`value in text`).",
    reference="https://cwe.mitre.org/data/definitions/1333.html",
    detectors=(
        _FLOW,
        for_users(_FLOW),
    ),
    insecure=(
        """
import re

def lines_like(text, pattern):
    \"\"\"The lines that fit the pattern which the user entered.\"\"\"
    return [line for line in text.splitlines() if re.search(pattern, line)]
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NAMES = ["Ada", "Grace"]

@app.route("/find")
def find():
    return {"names": [name for name in NAMES if re.search(request.args["q"], name)]}
""",
        """
import re
from django.http import JsonResponse
from books.models import Book

def books(request):
    wanted = re.compile("^" + request.GET.get("title", ""), re.IGNORECASE)
    return JsonResponse({"n": len([one for one in Book.objects.all() if wanted.match(one.title)])})
""",
        """
import re
from fastapi import FastAPI

app = FastAPI()

@app.post("/clean")
def clean(text: str, pattern: str):
    return {"text": re.sub(pattern, "", text)}
""",
    ),
    secure=(
        """
import re

def count(text, pattern):
    \"\"\"How often a pattern that our settings hold occurs in what a user wrote.\"\"\"
    return len(re.findall(re.escape(pattern), text))
""",
        """
import re
from flask import Flask, request

app = Flask(__name__)
NAMES = ["Ada", "Grace"]

@app.route("/find")
def find():
    wanted = re.escape(request.args["q"])
    return {"names": [name for name in NAMES if re.search(wanted, name, re.I)]}
""",
        """
from django.http import JsonResponse
from books.models import Book

def books(request):
    title = request.GET.get("title", "")
    return JsonResponse({"n": Book.objects.filter(title__istartswith=title).count()})
""",
        """
import re
from fastapi import FastAPI

app = FastAPI()
KINDS = {"digits": r"[0-9]+", "spaces": r"[ ]+"}

@app.post("/clean")
def clean(text: str, kind: str):
    return {"text": re.sub(KINDS.get(kind, "x"), "", text)}
""",
        """
import re
import sys

for line in sys.stdin:
    if re.search(sys.argv[1], line):
        print(line)
""",
    ),
)
