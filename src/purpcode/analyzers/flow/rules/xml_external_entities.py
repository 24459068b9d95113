"""XML parsers that fetch what a document names."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Flow
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import Value

_LXML = (
    "lxml.etree.parse",
    "lxml.etree.fromstring",
    "lxml.etree.XML",
    "lxml.etree.iterparse",
    "lxml.objectify.parse",
    "lxml.objectify.fromstring",
    "lxml.etree.fromstringlist",
)
_LXML_PARSERS = (
    "lxml.etree.XMLParser",
    "lxml.etree.ETCompatXMLParser",
    "lxml.etree.XMLPullParser",
    "lxml.objectify.makeparser",
)
_SAX = (
    "xml.sax.parse",
    "xml.sax.parseString",
    "xml.dom.minidom.parse",
    "xml.dom.minidom.parseString",
    "xml.dom.pulldom.parse",
    "xml.dom.pulldom.parseString",
    "xml.sax.make_parser().parse",
    "xml.sax.make_parser().feed",
    "xml.sax.xmlreader.XMLReader().parse",
)
_EXTERNAL = (
    "xml.sax.handler.feature_external_ges",
    "xml.sax.handler.feature_external_pes",
    "?feature_external_ges",
)
_EXTERNAL_URLS = (
    "http://xml.org/sax/features/external-general-entities",
    "http://xml.org/sax/features/external-parameter-entities",
)
_FLOW = Flow(
    sinks=(),
    what="is parsed by an XML parser that resolves external entities",
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "parameter": "low",
    },
)


def _is_on(value: Value | None) -> bool:
    return value is not None and value.known and bool(value.const)


def _is_off(value: Value | None) -> bool:
    return value is not None and value.known and not value.const


def _parsers(code: Code) -> Iterator[Match]:
    """An lxml parser told to resolve entities or to use the network."""
    for call in code.calls_to((*_LXML_PARSERS, "lxml.etree.iterparse")):
        entities, network = call.keywords.get("resolve_entities"), call.keywords.get("no_network")
        if _is_on(entities) and entities is not None and entities.const is True:
            yield Match(call.node, "the parser resolves external entities")
        elif _is_off(network) and not _is_off(entities):
            yield Match(call.node, "the parser fetches what a document names")
        elif _is_on(call.keywords.get("load_dtd")) and not _is_off(entities):
            yield Match(call.node, "the parser loads the document's DTD")


def _default_lxml(code: Code) -> Iterator[Match]:
    """Outside data parsed by lxml as it is: before 5.0 it resolves entities of local files."""
    if any(code.calls_to(("lxml.etree.set_default_parser",))):
        return
    made = list(code.calls_to(_LXML_PARSERS))
    hardened = any(_is_off(one.keywords.get("resolve_entities")) or one.spread for one in made)
    for call in code.calls_to(_LXML):
        parser, document = call.argument(1, "parser"), call.argument(0)
        if parser is not None:
            plain = parser.names and all(name.endswith("XMLParser()") for name in parser.names)
            if hardened or not plain:
                continue
        if call.spread or _is_off(call.keywords.get("resolve_entities")) or document is None:
            continue
        yield from _FLOW.judge(call.node, document)


def _sax(code: Code) -> Iterator[Match]:
    """Python's own parsers with the feature of external entities switched on."""
    scopes = {call.scope.path for call in code.calls_to(("*.setFeature",)) if _enables(call)}
    if not scopes:
        return
    for call in code.calls_to(_SAX):
        if call.scope.path not in scopes:
            continue
        plain = any(".dom." in name or name.startswith("xml.sax.parse") for name in call.names)
        if plain and call.argument(1, "parser") is None:
            continue
        document = call.argument(0)
        if document is None or document.known:
            continue
        outside = any(not _FLOW.is_harmless(taint) for taint in document.taints)
        level: Level | None = None if outside else "low"
        yield Match(call.node, "the parser resolves external entities", level)


def _enables(call: Call) -> bool:
    feature, state = call.argument(0), call.argument(1)
    if feature is None or state is None or _is_off(state):
        return False
    return bool(feature.names & set(_EXTERNAL)) or feature.text in _EXTERNAL_URLS


RULE = FlowRule(
    id="xml-external-entities",
    title="XML with external entities",
    cwes=(611, 827),
    severity="high",
    severity_reason="The document reads files of the server or makes it send requests.",
    fix="Use defusedxml, or lxml.etree.XMLParser(resolve_entities=False, no_network=True).",
    reference="https://cwe.mitre.org/data/definitions/611.html",
    detectors=(_parsers, _default_lxml, _sax),
    insecure=(
        """
from lxml import etree

def read(document):
    parser = etree.XMLParser(resolve_entities=True, no_network=False)
    return etree.fromstring(document, parser)
""",
        """
from flask import Flask, request
from lxml import etree

app = Flask(__name__)

@app.route("/orders", methods=["POST"])
def orders():
    root = etree.fromstring(request.data)
    return {"orders": len(root)}
""",
        """
import xml.sax
from xml.sax.handler import ContentHandler, feature_external_ges

def read(path):
    parser = xml.sax.make_parser()
    parser.setFeature(feature_external_ges, True)
    parser.setContentHandler(ContentHandler())
    parser.parse(path)
""",
    ),
    secure=(
        """
from lxml import etree

def read(document):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)
""",
        """
from flask import Flask, request
from defusedxml import ElementTree

app = Flask(__name__)

@app.route("/orders", methods=["POST"])
def orders():
    root = ElementTree.fromstring(request.data)
    return {"orders": len(root)}
""",
        """
import xml.sax
from xml.sax.handler import ContentHandler, feature_external_ges

def read(path):
    parser = xml.sax.make_parser()
    parser.setFeature(feature_external_ges, False)
    parser.setContentHandler(ContentHandler())
    parser.parse(path)
""",
        """
from flask import Flask, request
from lxml import etree

app = Flask(__name__)
PARSER = etree.XMLParser(resolve_entities=False, load_dtd=False)

@app.route("/orders", methods=["POST"])
def orders():
    root = etree.fromstring(request.data, parser=PARSER)
    return {"orders": len(root)}
""",
    ),
)
