"""Requests to addresses that outside data chooses."""

from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule
from purpcode.analyzers.flow.user_wording import for_users
from purpcode.analyzers.flow.values import Value

_VERBS = ("get", "post", "put", "delete", "patch", "head", "options")


def _host_is_open(value: Value) -> bool:
    """Whether the literal beginning of an address leaves its host open."""
    begin = value.starts_with()
    scheme, found, rest = begin.partition("://")
    del scheme
    return not (found and "/" in rest)


_FLOW = Flow(
    sinks=(
        Sink(
            tuple(
                f"{module}.{verb}"
                for module in (
                    "requests",
                    "httpx",
                    "requests.Session()",
                    "httpx.Client()",
                    "urllib3.PoolManager()",
                    "aiohttp.ClientSession()",
                )
                for verb in _VERBS
            ),
            (0, "url"),
            holds=_host_is_open,
        ),
        Sink(
            (
                "requests.request",
                "httpx.request",
                "requests.Session().request",
                "httpx.Client().request",
                "urllib3.PoolManager().request",
                "urllib3.request",
                "aiohttp.ClientSession().request",
                "aiohttp.request",
            ),
            (1, "url"),
            holds=_host_is_open,
        ),
        Sink(
            (
                "urllib.request.urlopen",
                "urllib.request.Request",
                "urllib.request.urlretrieve",
                "wget.download",
                "pycurl.Curl().setopt",
            ),
            (0, "url"),
            holds=_host_is_open,
        ),
        Sink(("http.client.HTTPConnection", "http.client.HTTPSConnection"), (0, "host")),
    ),
    what="chooses where a request goes",
    harmless=(
        *(
            "+*.netloc",
            "+*.hostname",
            "+.startswith",
            "+*.scheme",
            "+urllib.parse.urlparse",
        ),
        *("urllib.parse.quote*", "+urllib.parse.urlsplit", "-.startswith", "-*.is_private"),
        *("+*public*", "-*private*", "-*internal*", "-*loopback*", "+*global*", "-*local*"),
    ),
    severities={
        "cli": "low",
        "environment": "low",
        "file": "low",
        "stored": "low",
        "network": "medium",
        "parameter": "low",
    },
)

RULE = FlowRule(
    id="server-side-request-forgery",
    title="Request to an address from outside data",
    cwes=(918,),
    severity="high",
    severity_reason="The server can be made to call services that only it can reach.",
    fix="Choose the host from an allow-list, or parse the address and check scheme and host before"
    " the request.",
    reference="https://cwe.mitre.org/data/definitions/918.html",
    detectors=(
        _FLOW,
        for_users(_FLOW),
    ),
    insecure=(
        """
import requests

def preview(address):
    \"\"\"The beginning of the page at an address that a visitor entered.\"\"\"
    return requests.get(address, timeout=5).text[:500]
""",
        """
import requests
from flask import Flask, request

app = Flask(__name__)

@app.route("/fetch")
def fetch():
    answer = requests.get(request.args["url"], timeout=5)
    return {"size": len(answer.content)}
""",
        """
from urllib.request import urlopen

def preview(request):
    address = request.GET["address"]
    return urlopen("http://" + address + "/status").read()
""",
        """
import httpx
from fastapi import FastAPI

app = FastAPI()

@app.post("/hook")
async def hook(target: str):
    async with httpx.AsyncClient() as client:
        answer = await client.post(target, json={"ok": True})
    return {"status": answer.status_code}
""",
    ),
    secure=(
        """
import requests

def avatar(url):
    \"\"\"The picture at the address a user gave, from our own picture server only.\"\"\"
    if not url.startswith("https://pictures.example.org/"):
        raise ValueError("not our pictures")
    return requests.get(url, timeout=5).content
""",
        """
import requests
from flask import Flask, abort, request

app = Flask(__name__)
HOSTS = {"main": "https://api.example.com/v1"}

@app.route("/fetch")
def fetch():
    address = HOSTS.get(request.args["host"])
    if address is None:
        abort(400)
    return {"size": len(requests.get(address, timeout=5).content)}
""",
        """
from urllib.parse import quote
from urllib.request import urlopen

def preview(request):
    address = "https://status.example.com/host/" + quote(request.GET["name"])
    return urlopen(address, timeout=5).read()
""",
        """
from urllib.parse import urlparse
import requests
from flask import Flask, abort, request

app = Flask(__name__)
ALLOWED = {"example.com"}

@app.route("/fetch")
def fetch():
    url = request.args["url"]
    if urlparse(url).hostname not in ALLOWED:
        abort(400)
    return {"size": len(requests.get(url, timeout=5).content)}
""",
    ),
)
