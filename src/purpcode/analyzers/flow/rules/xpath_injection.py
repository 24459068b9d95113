"""XPath and XQuery expressions put together from outside data."""

from purpcode.analyzers.flow.detectors import Flow, Sink, is_built
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.values import Value


def _is_a_path(value: Value) -> bool:
    """Whether a built text begins as an XPath expression does; texts have a `find` too."""
    begin = value.starts_with()
    return is_built(value) and ("//" in begin or "[@" in begin or begin.startswith(("/", "./")))


RULE = FlowRule(
    id="xpath-injection",
    title="XPath expression built from outside data",
    cwes=(643, 91),
    severity="high",
    severity_reason="Whoever controls part of the expression selects any node of the document.",
    fix="Pass the value as an XPath variable (`tree.xpath('//a[@n=$n]', n=value)`) or compare in"
    " Python.",
    reference="https://cwe.mitre.org/data/definitions/643.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    ("*.xpath", "lxml.etree.XPath", "lxml.etree.ETXPath", "elementpath.select"),
                    (0, 1, "path", "_path"),
                ),
                Sink(
                    ("*.iterfind", "*.findall", "*.findtext", "*.find"),
                    (0, "path"),
                    holds=_is_a_path,
                ),
            ),
            what="is part of an XPath expression",
            harmless=("*escape*", ".replace:'", '.replace:"', "-in:'", '-in:"'),
            severities={"parameter": "medium"},
            parameter_when=is_built,
        ),
    ),
    insecure=(
        """
from lxml import etree
from flask import Flask, request

app = Flask(__name__)
TREE = etree.parse("users.xml")

@app.route("/find")
def find():
    name = request.args["name"]
    return {"n": len(TREE.xpath("//user[name='" + name + "']"))}
""",
        """
import xml.etree.ElementTree as ET

def lookup(root, user):
    return root.findall(f".//account[@owner='{user}']")
""",
        """
from lxml import etree

def search(request, tree):
    query = "//item[@id='%s']" % request.GET["id"]
    return etree.XPath(query)(tree)
""",
    ),
    secure=(
        """
from lxml import etree
from flask import Flask, request

app = Flask(__name__)
TREE = etree.parse("users.xml")

@app.route("/find")
def find():
    return {"n": len(TREE.xpath("//user[name=$name]", name=request.args["name"]))}
""",
        """
def lookup(root, user):
    return [one for one in root.findall(".//account") if one.get("owner") == user]
""",
        """
from lxml import etree

def search(request, tree):
    number = int(request.GET["id"])
    return etree.XPath("//item[@id='%d']" % number)(tree)
""",
    ),
)
