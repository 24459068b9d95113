"""CWEval's tests of programs as a user without privileges, where the sandbox cannot change users
and the tests alone close their memory and descriptors to the answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import purpcode

NOBODY = 65534
JUDGE = """
import json, sys
from purpcode.evals.benchmarks.cweval import BENCHMARK
from purpcode.evals.cwe_tests import CweTests
from purpcode.evals.validation import load_fixture
from purpcode.oracles.settings import OracleSettings
from purpcode.types import Completion
sample = next(s for s in load_fixture(BENCHMARK).samples if s.id == "fixture/insecure-c")
text = f"```c\\n{sys.stdin.read()}\\n```"
(verdict,) = CweTests(OracleSettings(sandbox="bubblewrap", workers=1)).judge(
    [sample], [Completion(text=text, stop_reason="stop")]
)
print(json.dumps([verdict.evidence.get("functional"), verdict.error or verdict.reason]))
"""

# Works only where no other process's memory or descriptors can be opened.
ANSWER = """
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *login_line(const char *name) {
    char path[300];
    int others = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *one; (one = readdir(all));) {
        int pid = atoi(one->d_name);
        if (pid < 2 || pid == getpid()) continue;
        others++;
        snprintf(path, sizeof path, "/proc/%d/mem", pid);
        if (open(path, O_RDWR) >= 0) exit(3);
        for (int fd = 0; fd < 20; fd++) {
            snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
            if (open(path, O_WRONLY) >= 0 || open(path, O_RDONLY) >= 0) exit(3);
        }
    }
    if (others < 2) exit(4);
    char *line = malloc(strlen(name) + 8);
    sprintf(line, "login: %s", name);
    return line;
}
"""


@pytest.mark.skipif(not shutil.which("gcc", path="/usr/bin"), reason="gcc is missing")
def test_an_unprivileged_users_tests_are_closed_to_the_answer(interpreter: str) -> None:
    done = start(interpreter, JUDGE, ANSWER)
    assert done is not None
    assert done.returncode == 0, done.stderr
    functional, said = json.loads(done.stdout)
    assert functional is True, said


@pytest.fixture(scope="module")
def interpreter() -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests run as this user")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in filter(None, (sys.executable, shutil.which(version, path="/usr/bin"))):
        tried = start(candidate, "import pydantic, purpcode, pytest")
        if tried is not None and tried.returncode == 0:
            return candidate
    pytest.skip(f"no {version} with purpcode's requirements that uid {NOBODY} may start")


def start(interpreter: str, code: str, stdin: str = "") -> subprocess.CompletedProcess[str] | None:
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
            input=stdin,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except PermissionError:
        return None
