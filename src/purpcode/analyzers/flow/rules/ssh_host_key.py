"""SSH connections to hosts whose key nobody compares."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_OPEN = ("AutoAddPolicy", "WarningPolicy", "AutoAddPolicy()", "WarningPolicy()")
_OPTIONS = (
    "stricthostkeychecking=no",
    "stricthostkeychecking no",
    "userknownhostsfile=/dev/null",
    "stricthostkeychecking=off",
)
_RUNS = (
    "subprocess.*",
    "os.system",
    "os.popen",
    "os.exec*",
    "asyncio.create_subprocess_*",
    "pexpect.spawn",
    "*.create_subprocess_exec",
)


def _policies(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.set_missing_host_key_policy",)):
        policy = call.argument(0, "policy")
        if policy is not None and any(name.endswith(_OPEN) for name in policy.names):
            yield Match(call.node, "an unknown host's key is accepted")


def _other_clients(code: Code) -> Iterator[Match]:
    for call in code.calls_to(
        ("asyncssh.connect", "*.Connection", "*.Transport().connect", "*.SSHTunnelForwarder")
    ):
        known = call.keywords.get("known_hosts")
        if call.fits("asyncssh.connect") and known is not None and known.const is None:
            yield Match(call.node, "the host's key is not compared")
        if (
            call.fits("paramiko.Transport().connect")
            and not call.spread
            and call.argument(0, "hostkey") is None
            and not _compared(code)
        ):
            yield Match(call.node, "the host's key is not compared")
        options = call.keywords.get("cnopts")
        if options is not None and any(
            store.path and store.path.endswith(".hostkeys") and store.value.const is None
            for store in code.stores
        ):
            yield Match(call.node, "the host's key is not compared")


def _compared(code: Code) -> bool:
    """Whether the program reads the server's key itself."""
    return any(True for _ in code.calls_to(("*.get_remote_server_key",)))


def _commands(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_RUNS):
        for value in (*call.args, *call.keywords.values()):
            if any(option in text.lower() for text in _texts(value) for option in _OPTIONS):
                yield Match(call.node, "ssh is told not to compare the host's key")
                break


def _texts(value: Value) -> list[str]:
    texts = [value.starts_with()]
    for one in value.items or ():
        texts.append(one.starts_with())
    return texts


RULE = FlowRule(
    id="ssh-host-key",
    title="SSH host key not checked",
    cwes=(322, 295),
    severity="medium",
    severity_reason="Anybody on the way can pose as the host and take passwords and commands.",
    fix="Load the known hosts and refuse others: `load_system_host_keys()` and `RejectPolicy()`.",
    reference="https://cwe.mitre.org/data/definitions/322.html",
    detectors=(_policies, _other_clients, _commands),
    confidence="high",
    insecure=(
        """
import paramiko

def fetch(host, user, word):
    transport = paramiko.Transport((host, 22))
    transport.connect(username=user, password=word)
    return paramiko.SFTPClient.from_transport(transport)
""",
        """
import paramiko

def connect(host, user, password):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host, username=user, password=password)
    return client
""",
        """
from paramiko import SSHClient, WarningPolicy

def connect(host):
    client = SSHClient()
    client.set_missing_host_key_policy(WarningPolicy)
    client.connect(host)
    return client
""",
        """
import subprocess

def deploy(host):
    subprocess.run(["ssh", "-o", "StrictHostKeyChecking=no", host, "deploy"], check=True)
""",
        """
import asyncssh

async def run(host):
    async with asyncssh.connect(host, known_hosts=None) as connection:
        return await connection.run("uptime")
""",
    ),
    secure=(
        """
import paramiko

def fetch(host, user, word, key):
    transport = paramiko.Transport((host, 22))
    transport.connect(hostkey=key, username=user, password=word)
    return paramiko.SFTPClient.from_transport(transport)
""",
        """
import paramiko

def connect(host, user, password):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(host, username=user, password=password)
    return client
""",
        """
import subprocess

def deploy(host):
    subprocess.run(["ssh", "-o", "StrictHostKeyChecking=yes", "--", host, "deploy"], check=True)
""",
        """
import asyncssh

async def run(host):
    async with asyncssh.connect(host, known_hosts="/etc/ssh/known_hosts") as connection:
        return await connection.run("uptime")
""",
    ),
)
