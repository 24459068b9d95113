"""Programs fetched and run or installed without looking whether they are the right ones."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_RUNS = (
    "exec",
    "eval",
    "compile",
    "subprocess.*",
    "os.system",
    "os.popen",
    "os.execv",
    "runpy.run_path",
    "importlib.import_module",
    "ctypes.CDLL",
    "torch.hub.load",
)
_FETCHES = (
    "urllib.request.urlretrieve",
    "wget.download",
    "requests.get",
    "urllib.request.urlopen",
    "httpx.get",
)
_PROGRAM = re.compile(
    r"(?i)\.(py|pyz|sh|exe|msi|deb|rpm|whl|so|dll|jar|run|bin|appimage|dmg)(\?|$)"
)
_CHECKED = re.compile(
    r"(?i)sha(256|384|512)|blake2|gpg|verify_?(signature|checksum|hash)|"
    r"compare_digest|minisign|sigstore|"
    r"require-hashes|\.verify\("
)
_PIPED = re.compile(
    r"(?i)\b(curl|wget)\b[^|;&]*https?://[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|\b(curl|wget)\b[^|;&]*"
    r"\|\s*(sudo\s+)?python"
)
_PLAIN_INDEX = re.compile(
    r"(?i)(--(extra-)?index-url|-i|--find-links)[= ]http://(?!localhost|127\.)|--trusted-host"
)


def _fetched_code(code: Code) -> Iterator[Match]:
    """`exec(requests.get(url).text)`."""
    for call in code.calls_to(("exec", "eval", "compile")):
        fetched = call.args and any(
            _is_fetched(one.origin) for one in call.args[0].taints if one.kind == "network"
        )
        if fetched and not _CHECKED.search(code.text):
            yield Match(call.node, "code from the network is run unchecked", None, (494,))


def _is_fetched(origin: str) -> bool:
    return bool(re.search(r"requests|urlopen|httpx|urllib|aiohttp", origin))


def _fetched_files(code: Code) -> Iterator[Match]:
    """A program is downloaded, and the same name is then run or installed."""
    names = _fetched_names(code)
    if not names or _CHECKED.search(code.text):
        return
    for call in code.calls_to(_RUNS):
        texts = {text for value in call.args for text in _texts(value)}
        if any(name in text for name in names for text in texts if name):
            yield Match(call.node, "a downloaded program is run unchecked")


def _fetched_names(code: Code) -> set[str]:
    names = set()
    for call in code.calls_to(("urllib.request.urlretrieve", "wget.download")):
        target = call.argument(1, "filename") or call.argument(None, "out")
        address = call.argument(0, "url")
        if (
            target is not None
            and target.text
            and (
                _PROGRAM.search(target.text)
                or (address is not None and _PROGRAM.search(address.starts_with()))
            )
        ):
            names.add(target.text)
    for call in code.calls_to(
        ("open().write", "pathlib.Path().write_bytes", "pathlib.Path().write_text")
    ):
        given = call.args[0] if call.args else None
        if given is not None and any(t.kind == "network" for t in given.taints):
            names |= {
                name.text
                for one in code.calls_to(("open", "pathlib.Path"))
                if one.scope.path == call.scope.path
                and (name := one.argument(0)) is not None
                and name.text
                and _PROGRAM.search(name.text)
            }
    return names


def _commands(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("subprocess.*", "os.system", "os.popen")):
        whole = _whole(call)
        if _PIPED.search(whole):
            yield Match(call.node, "a script from the network is piped into a shell")
        elif "pip" in whole and _PLAIN_INDEX.search(whole):
            yield Match(
                call.node,
                "packages are installed over plain HTTP or without TLS checks",
                None,
                (829, 494),
            )


def _plain_programs(code: Code) -> Iterator[Match]:
    """A program fetched over plain HTTP is anybody's program."""
    for call in code.calls_to(_FETCHES):
        address = call.argument(0, "url")
        text = address.starts_with() if address is not None else ""
        plain = re.match(r"http://(?!localhost|127\.)", text) and _PROGRAM.search(text)
        if plain and not _CHECKED.search(code.text):
            yield Match(call.node, "a program is fetched over plain HTTP", None, (494, 829))


def _whole(call: Call) -> str:
    return " ".join(text for value in call.args[:1] for text in _texts(value))


def _texts(value: Value) -> list[str]:
    return [value.starts_with(), *(one.starts_with() for one in value.items or ())]


RULE = FlowRule(
    id="unverified-download",
    title="Downloaded program run unchecked",
    cwes=(494, 829, 353),
    severity="medium",
    severity_reason="Whoever changes the download, on the way or at its source, runs code here.",
    fix="Fetch over HTTPS and compare with a known SHA-256 or verify a signature before "
    "running it.",
    reference="https://cwe.mitre.org/data/definitions/494.html",
    detectors=(_fetched_code, _fetched_files, _commands, _plain_programs),
    insecure=(
        """
import requests

def update():
    exec(requests.get("https://updates.example.com/plugin.py", timeout=5).text)
""",
        """
import subprocess
import urllib.request

def install():
    urllib.request.urlretrieve("https://tools.example.com/setup.sh", "setup.sh")
    subprocess.run(["sh", "setup.sh"], check=True)
""",
        """
import os

def install():
    os.system("curl -sSL https://tools.example.com/install | sh")
""",
        """
import subprocess
import sys

def install(name):
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-i", "http://packages.example.com", name],
        check=True,
    )
""",
    ),
    secure=(
        """
import hashlib
import subprocess
import urllib.request

WANTED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

def install():
    urllib.request.urlretrieve("https://tools.example.com/setup.sh", "setup.sh")
    with open("setup.sh", "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != WANTED:
            raise ValueError("not the program that was reviewed")
    subprocess.run(["sh", "setup.sh"], check=True)
""",
        """
import requests

def prices():
    return requests.get("https://data.example.com/prices.json", timeout=5).json()
""",
        """
import subprocess
import sys

def install():
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--require-hashes", "-r", "requirements.txt"],
        check=True,
    )
""",
        """
import urllib.request

def fetch(name):
    urllib.request.urlretrieve("https://images.example.com/logo.png", "logo.png")
    return name
""",
    ),
)
