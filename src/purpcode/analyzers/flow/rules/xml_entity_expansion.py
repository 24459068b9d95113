"""XML from outside whose entities may grow without bound."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match

_TREE = tuple(
    f"xml.etree.ElementTree.{name}" for name in ("parse", "fromstring", "XML", "iterparse")
)
_FLOW = Flow(
    sinks=(
        Sink(
            (
                *_TREE,
                "xml.dom.minidom.parseString",
                "xml.dom.minidom.parse",
                "xml.sax.parseString",
                "xml.sax.parse",
                "xml.dom.pulldom.parseString",
                "xml.dom.expatbuilder.parseString",
                "xmltodict.parse",
            ),
            (0, "source", "text", "string"),
        ),
        Sink(
            ("xml.etree.ElementTree.XMLParser().feed", "xml.parsers.expat.ParserCreate().Parse"),
            (0,),
        ),
    ),
    what="is parsed with all its entities",
    severities=dict.fromkeys(
        ("request", "network", "cli", "environment", "file", "stored", "parameter"), "low"
    ),  # expat itself bounds the growth since 2.4.1
    harmless=("-in:<!ENTITY", "-in:<!DOCTYPE", "-in:!DOCTYPE", "-in:!ENTITY"),
)


def _huge(code: Code) -> Iterator[Match]:
    """lxml's own limit switched off."""
    for call in code.calls_to(
        (
            "lxml.etree.XMLParser",
            "lxml.etree.iterparse",
            "lxml.etree.XMLPullParser",
            "lxml.objectify.makeparser",
        )
    ):
        value = call.keywords.get("huge_tree")
        entities = call.keywords.get("resolve_entities")
        if value is not None and value.const is True and not (entities and entities.const is False):
            yield Match(call.node, "the parser's limits on size and entities are off", "medium")


RULE = FlowRule(
    id="xml-entity-expansion",
    title="XML entities without bound",
    cwes=(776, 400),
    severity="medium",
    severity_reason="A document of a few lines whose entities name each other fills the memory. Low"
    " where only the age of the expat library decides.",
    fix="Parse with defusedxml, which refuses entity declarations.",
    reference="https://docs.python.org/3/library/xml.html#xml-security",
    detectors=(_FLOW, _huge),
    insecure=(
        """
from lxml import etree

def rows(upload):
    for _, element in etree.iterparse(upload, tag="row", huge_tree=True):
        yield element.text
""",
        """
from flask import Flask, request
from lxml import objectify

app = Flask(__name__)
PARSER = objectify.makeparser(huge_tree=True)

@app.route("/feed", methods=["POST"])
def feed():
    return {"items": objectify.fromstring(request.data, PARSER).countchildren()}
""",
        """
from lxml import etree

def load(path):
    return etree.parse(path, etree.XMLParser(huge_tree=True))
""",
    ),
    secure=(
        """
import defusedxml.ElementTree as ET
from flask import Flask, request

app = Flask(__name__)

@app.route("/feed", methods=["POST"])
def feed():
    return {"items": len(ET.fromstring(request.data))}
""",
        """
from defusedxml import minidom
from django.http import HttpResponse

def titles(request):
    document = minidom.parseString(request.body)
    return HttpResponse(str(len(document.getElementsByTagName("title"))))
""",
        """
from lxml import etree

def load(path):
    return etree.parse(path, etree.XMLParser(huge_tree=False, resolve_entities=False))
""",
        """
import xml.etree.ElementTree as ET

def settings():
    return ET.fromstring("<settings><port>80</port></settings>")
""",
    ),
)
