"""The self-test as a user without privileges, who is confined by other means than root is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import purpcode

NOBODY = 65534
PROBE = """
import json
from purpcode.sandbox.probes import probe
from purpcode.sandbox.registry import make_sandbox
results = probe(make_sandbox("BACKEND"))
print(json.dumps([[result.name, result.held, result.detail] for result in results]))
"""
COMPILE = """
import json
from purpcode.sandbox import Program
from purpcode.sandbox.registry import make_sandbox
code = "int main(void) { return 3; }"
result = make_sandbox("bubblewrap").run(Program(code=code, language="c"))
print(json.dumps([result.status, result.evidence]))
"""


def start(interpreter, code):
    """Run code with purpcode importable under an unprivileged uid; None where it cannot start."""
    source = str(Path(purpcode.__file__).parents[1])
    paths = [source, *(path for path in sys.path if path.endswith("site-packages"))]
    environment = {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        return subprocess.run(
            [interpreter, "-s", "-c", code],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )
    except PermissionError:
        return None


@pytest.fixture(scope="module")
def interpreter():
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests run as this user")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in filter(None, (sys.executable, shutil.which(version, path="/usr/bin"))):
        tried = start(candidate, "import pydantic, purpcode")
        if tried is not None and tried.returncode == 0:
            return candidate
    pytest.skip(f"no {version} with purpcode's requirements that uid {NOBODY} may start")
    return None


def printed(interpreter, code):
    done = start(interpreter, code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("backend", ["bubblewrap", "zygote"])
def test_a_backend_holds_for_an_unprivileged_user(interpreter, backend):
    results = printed(interpreter, PROBE.replace("BACKEND", backend))
    assert [result for result in results if not result[1]] == []
    assert len(results) > 20


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc on this machine")
def test_an_unprivileged_user_compiles_too(interpreter):
    status, evidence = printed(interpreter, COMPILE)
    assert (status, evidence.get("returncode")) == ("failed", 3), evidence
