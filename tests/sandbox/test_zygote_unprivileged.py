"""The contract once more as a user without any privilege, where root runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

import purpcode

UID = "1000"
TESTS = Path(__file__).parent
PATHS = [Path(module.__file__).parents[1] for module in (purpcode, pydantic)]


def as_user(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = ":".join(map(str, PATHS))
    return subprocess.run(
        ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *command],
        env={"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def home():
    """A folder the user may enter; pytest's own are root's alone."""
    folder = Path("/var/tmp") / f"purpcode-user-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def python(home):
    """An interpreter of this version, with our packages, that the user can run."""
    if os.geteuid() != 0:
        pytest.skip("not root: the other sandbox tests already ran without privilege")
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv to give up root with")
    check = (
        "import os, sys, pytest\n"
        "from purpcode.sandbox.layout import interpreter\n"
        "os.stat(interpreter()); print(*sys.version_info[:2])"
    )
    wanted = "{} {}\n".format(*sys.version_info[:2])
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        if Path(candidate).exists() and as_user(home, candidate, "-c", check).stdout == wanted:
            return candidate
    return pytest.skip(
        "no interpreter of this version that another user can run: this one lies in a folder "
        "closed to others, and /usr has none"
    )


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("test_sandbox_contract.py", "zygote"),
        ("test_sandbox_kernel_memory.py", "Zygote or zygote or gone"),
        ("test_zygote.py", "probes or watches or memory or killed or hangs"),
    ],
)
def test_the_zygote_serves_a_user_without_privilege(python, home, name, expression):
    arguments = ["-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib"]
    ran = as_user(home, python, *arguments, "-k", expression, str(TESTS / name))
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-500:]
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout
