"""Third-party packages inside: which files are offered, and that programs can use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from purpcode.errors import InputError, UnavailableError
from purpcode.sandbox import Program, open_sandbox, packages
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.packages import find_packages, offered
from purpcode.sandbox.zygote import ZygoteSandbox


@pytest.fixture(scope="module", params=[ZygoteSandbox, BubblewrapSandbox], ids=lambda x: x.name)
def sandbox(request):
    made = request.param(["numpy", "pytest"])
    yield made
    if isinstance(made, ZygoteSandbox):
        made.close()


def test_named_packages_and_what_they_require_are_found_and_no_more():
    found = find_packages(["pytest"])
    names = {path.name for path in found.paths}
    assert {"pytest", "_pytest", "pluggy", "iniconfig", "packaging"} <= names
    assert not names & {"numpy", "torch", "hypothesis", "__pycache__", "bin"}
    assert found.modules == ("_pytest", "py", "pytest")
    assert any(version.startswith("pluggy-") for version in found.versions)


def test_libraries_beside_a_package_come_with_it():
    names = {path.name for path in find_packages(["numpy"]).paths}
    assert "numpy" in names
    beside = Path(str(packages.importlib.metadata.distribution("numpy").locate_file("numpy.libs")))
    assert ("numpy.libs" in names) == beside.is_dir()


REQUIRES = {"a": ["b"], "b": ["a", "c; extra == 'more'", "d; extra == 'other'"], "c": [], "d": []}


@pytest.fixture
def four_packages(monkeypatch):
    class Installed:
        version, files = "1", ()

        def __init__(self, name):
            self.name, self.requires = name, REQUIRES[name]

    monkeypatch.setattr(packages.importlib.metadata, "distribution", Installed)
    monkeypatch.setattr(packages, "_top_level", lambda found: [])


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        (["a"], ("a-1", "b-1")),  # which require each other
        (["b[more]", "b"], ("a-1", "b-1", "c-1")),
        (["b", "b[more,other]"], ("a-1", "b-1", "c-1", "d-1")),
        ([], ()),
    ],
)
def test_requirements_are_followed_to_their_end_with_the_extras_asked_for(
    four_packages, asked, versions
):
    assert find_packages(asked).versions == versions


def test_a_package_that_is_not_installed_says_how_to_get_it():
    with pytest.raises(UnavailableError, match="pip install no-such-package-here"):
        open_sandbox("bubblewrap", packages=["no-such-package-here"])


def test_what_is_no_package_name_is_the_users_error():
    with pytest.raises(InputError, match="does not name a package"):
        find_packages(["../etc"])


def test_an_editable_install_is_refused_with_the_reason():
    with pytest.raises(UnavailableError, match="Editable installs"):
        find_packages(["purpcode"])


def test_programs_use_the_packages(sandbox):
    code = (
        "import numpy, pytest, sys\n"
        "print(numpy.arange(3).sum(), numpy.linalg.det(numpy.eye(2)), '/packages' in sys.path)\n"
        "try: import hypothesis\nexcept ImportError: print('no more')"
    )
    result = sandbox.run(Program(code=code))
    assert result.stdout == "3 1.0 True\nno more\n", result.stderr
    assert sandbox.packages == ("numpy", "pytest")


def test_packages_are_read_only(sandbox):
    result = sandbox.run(Program(code="open('/packages/numpy/x', 'w')"))
    assert "Read-only file system" in result.stderr or "PermissionError" in result.stderr


def test_pytest_runs_inside_in_process_and_as_a_command(sandbox):
    files = {"test_it.py": "import numpy\ndef test_it(): assert numpy.ones(2).sum() == 2"}
    inside = "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    command = (
        "import subprocess, sys\nsys.exit(subprocess.call([sys.executable, '-m', 'pytest', '-q']))"
    )
    for code in (inside, command):
        result = sandbox.run(Program(code=code, files=files, timeout_s=30))
        assert "1 passed" in result.stdout, result.stderr


def test_random_numbers_differ_between_programs(sandbox):
    program = Program(code="import numpy; print(numpy.random.rand())")
    assert len({sandbox.run(program).stdout for _ in range(3)}) == 3


def test_the_fingerprint_names_the_versions(sandbox):
    assert f"numpy-{packages.importlib.metadata.version('numpy')}" in sandbox.fingerprint()


def test_only_programs_that_name_a_package_pay_for_it():
    sandbox = ZygoteSandbox(["numpy"])
    modules = "import sys; print('numpy' in sys.modules)"
    named = "import sys; print('n' + 'umpy' in sys.modules) # not numpy"
    assert sandbox.run(Program(code=modules.replace("numpy", "nump" + "'+'y"))).stdout == "False\n"
    assert sandbox.run(Program(code=named)).stdout == "True\n"
    sandbox.close()


def test_a_module_that_cannot_be_imported_beforehand_is_no_fault():
    sandbox = ZygoteSandbox(preload=["no_such_module_here"])
    result = sandbox.run(Program(code="import no_such_module_here"))
    assert "No module named 'no_such_module_here'" in result.stderr
    assert result.status == "failed"
    sandbox.close()


def test_packages_that_do_not_load_inside_are_refused(monkeypatch):
    monkeypatch.setattr(packages, "_importable", lambda found: [Path("no_such_module_here.py")])
    with pytest.raises(
        UnavailableError, match=r"(?s)do not load in bubblewrap.*no_such_module_here"
    ):
        open_sandbox("bubblewrap", packages=["pluggy"])


def test_a_package_that_does_not_fit_the_memory_is_out_of_memory(sandbox):
    program = Program(code="import numpy", memory_mb=64)
    assert sandbox.run(program).status != "passed"


def test_what_is_missing_or_has_no_list_of_its_files_is_not_offered(tmp_path, monkeypatch):
    """Some distributions' package managers leave the list of files out."""
    bare = tmp_path / "bare_package-1.0.dist-info"
    bare.mkdir()
    (bare / "METADATA").write_text("Metadata-Version: 2.1\nName: bare-package\nVersion: 1.0\n")
    (tmp_path / "bare_package.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert offered(("bare-package", "pytest", "no-such-package")) == ("pytest",)
