"""Secrets written to files that other users may read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_SECRET_FILE = re.compile(
    r"(?i)(^|[/_.-])(id_(rsa|dsa|ecdsa|ed25519)|private[_.-]?key|secrets?|passwords?|credentials?|"
    r"master[_.-]?key|api[_.-]?(key|token)|\.netrc|\.pgpass)(\.(pem|key|txt|json|ya?ml|bin|ini|cfg))?$"
    r"|\.(p12|pfx|keystore)$"
)
_WRITES = ("open", "pathlib.Path().write_text", "pathlib.Path().write_bytes", "pathlib.Path().open")
_CAREFUL = ("os.chmod", "os.fchmod", "os.umask", "*.chmod", "os.open")


def _path(call: Call) -> str:
    if "open" in call.names:
        value = call.argument(0, "file")
        return value.text or "" if value is not None else ""
    made = call.receiver
    return made.text or made.prefix or ""


def _writes(call: Call) -> bool:
    if not call.fits("open") and not call.fits("*.open"):
        return True
    mode = call.argument(1 if "open" in call.names else 0, "mode")
    text = mode.text if mode is not None else None
    return text is not None and any(letter in text for letter in "wax")


def _opened_by_hand(call: Call) -> bool:
    return "opener" in call.keywords


def _readable(code: Code) -> Iterator[Match]:
    if any(True for _ in code.calls_to(_CAREFUL)):
        return
    for call in code.calls_to(_WRITES):
        if _writes(call) and not _opened_by_hand(call) and _SECRET_FILE.search(_path(call)):
            yield Match(call.node, "a file of secrets is created readable for other users")


def _mode_for_reading(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("os.chmod", "os.open")):
        position = 2 if "os.open" in call.names else 1
        path, mode = call.argument(0, "path"), call.argument(position, "mode")
        if path is None or mode is None or type(mode.const) is not int:
            continue
        if mode.const & 0o004 and _SECRET_FILE.search(path.text or ""):
            yield Match(
                call.node, f"mode {mode.const:#o} lets every user read a file of secrets", "medium"
            )
    for call in code.calls_to(("os.fchmod",)):
        mode = call.argument(1, "mode")
        if mode is None or type(mode.const) is not int or not mode.const & 0o004:
            continue
        for made in code.calls_to(("open", "os.open")):
            path = made.argument(0, "file")
            same = made.scope.node is call.scope.node
            if same and path is not None and _SECRET_FILE.search(path.text or ""):
                yield Match(call.node, f"mode {mode.const:#o} lets every user read a file of"
                            " secrets", "medium")  # fmt: skip


RULE = FlowRule(
    id="readable-secret-file",
    title="Secret in a file that others may read",
    cwes=(276, 732, 522),
    severity="low",
    severity_reason="With the usual umask every account on the machine can read the file.",
    fix="Create it with os.open(path, flags, 0o600), or set os.umask(0o077) before writing.",
    reference="https://cwe.mitre.org/data/definitions/276.html",
    detectors=(_readable, _mode_for_reading),
    insecure=(
        """
import os

def keep(text):
    with open("/srv/shop/private.key", "wb") as out:
        os.fchmod(out.fileno(), 0o644)
        out.write(text)
""",
        """
def save(key: bytes) -> None:
    with open("keys/private_key.pem", "wb") as handle:
        handle.write(key)
""",
        """
from pathlib import Path

def remember(token: str) -> None:
    Path("credentials.json").write_text(token)
""",
        """
import os

def save(key: bytes) -> None:
    descriptor = os.open("server/id_rsa", os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(descriptor, key)
    os.close(descriptor)
""",
    ),
    secure=(
        """
import os

def keep(text):
    with open("/srv/shop/private.key", "wb") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(text)
""",
        """
import os

def save(key: bytes) -> None:
    descriptor = os.open("keys/private_key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(key)
""",
        """
import os
from pathlib import Path

def remember(token: str) -> None:
    os.umask(0o077)
    Path("credentials.json").write_text(token)
""",
        """
def load() -> bytes:
    with open("keys/private_key.pem", "rb") as handle:
        return handle.read()
""",
        """
def save(lines):
    with open("secret_santa_pairs.txt", "w") as handle:
        handle.writelines(lines)
""",
    ),
)
