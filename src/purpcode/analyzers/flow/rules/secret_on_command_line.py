"""Secrets among the arguments of a program, where every user can see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sensitive_names import shown_secrets

_RUNNERS = (
    *("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"),
    *("subprocess.Popen", "os.system", "os.popen", "asyncio.create_subprocess_exec"),
    *("os.execv", "os.execvp", "os.spawnv", "asyncio.create_subprocess_shell"),
)
_QUIET = re.compile(r"file|env|fd:|stdin", re.IGNORECASE)


def _visible(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_RUNNERS):
        every = call.fits("*.create_subprocess_exec") or call.fits("os.*")
        for node in call.node.args if every else call.node.args[:1]:
            secret = next(shown_secrets(node), None)
            if secret is not None and not _QUIET.search(secret):
                yield Match(call.node, f"{secret} shows in the list of processes")
                break


RULE = FlowRule(
    id="secret-on-command-line",
    title="Secret among a program's arguments",
    cwes=(214, 497),
    severity="medium",
    severity_reason="Every user of the machine sees the arguments of all processes.",
    fix="Hand the secret over by standard input, a file with mode 0o600, or the environment.",
    reference="https://cwe.mitre.org/data/definitions/214.html",
    detectors=(_visible,),
    insecure=(
        """
import subprocess

def dump(user, password):
    return subprocess.check_output(["mysqldump", "-u", user, "--password=" + password, "shop"])
""",
        """
import subprocess
from settings import config

def notify(text):
    header = f"Authorization: Bearer {config.access_token}"
    subprocess.run(["curl", "-H", f"X-Key: {config.api_key}", "-d", text, "https://example.com"])
    return header
""",
        """
import asyncio

async def unlock(volume, passphrase):
    job = await asyncio.create_subprocess_exec("unlock", "--passphrase", passphrase, volume)
    return await job.wait()
""",
    ),
    secure=(
        """
import subprocess

def dump(user, password):
    command = ["mysqldump", "-u", user, "shop"]
    return subprocess.check_output(command, env={"MYSQL_PWD": password}, timeout=60)
""",
        """
import subprocess

def notify(text, password_file):
    subprocess.run(["/usr/bin/notify", "--password-file", password_file], input=text, text=True)
""",
        """
import asyncio

async def unlock(volume, passphrase):
    job = await asyncio.create_subprocess_exec(
        "unlock", "--stdin", volume, stdin=asyncio.subprocess.PIPE
    )
    await job.communicate(passphrase.encode())
    return job.returncode
""",
    ),
)
