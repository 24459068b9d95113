import shutil
import tempfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from purpcode.sandbox import Program, languages
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import MAIN_FILES
from purpcode.sandbox.languages import TOOLCHAINS, find_tool, run_other_language
from purpcode.sandbox.unsafe_subprocess import UnsafeSubprocess


def needs(*names):
    missing = [name for name in names if find_tool(name) is None]
    tools = ", ".join(TOOLCHAINS[name].tool for name in missing)
    return pytest.mark.skipif(bool(missing), reason=f"no {tools} on this machine")


C, CPP, JAVASCRIPT = needs("c"), needs("cpp"), needs("javascript")
IN_EVERY = pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=needs(name)) for name in TOOLCHAINS],
)
ECHO = {
    "c": '#include <stdio.h>\n#include "x.h"\nint main(void) { int n; scanf("%d", &n);'
    ' printf("%d\\n", n * X); return 0; }',
    "cpp": '#include <iostream>\n#include "x.h"\nint main() { int n; std::cin >> n;'
    ' std::cout << n * X << "\\n"; }',
    "javascript": "const n = Number(require('fs').readFileSync(0)); "
    "console.log(n * Number(/\\d+/.exec(require('fs').readFileSync('x.h', 'utf8'))[0]));",
}
SPIN = {
    "c": "int main(void) { for (;;); }",
    "cpp": "int main() { for (volatile int i = 0;; i = i + 1); }",
    "javascript": "for (;;);",
}
EXIT = {
    "c": "int main(void) { return 3; }",
    "cpp": "int main() { return 3; }",
    "javascript": "process.exit(3)",
}
READ = {
    "c": '#include <stdio.h>\nint main(void) { return fopen("/etc/shadow", "r") ? 0 : 5; }',
    "cpp": '#include <fstream>\nint main() { return std::ifstream("/etc/shadow") ? 0 : 5; }',
    "javascript": "process.exit(require('fs').existsSync('/etc/shadow') ? 0 : 5)",
}
NETWORK = """
require('net').connect(80, '127.0.0.1').on('error', () => process.exit(5));
"""


@pytest.fixture(scope="module")
def sandbox():
    return BubblewrapSandbox()


@IN_EVERY
def test_a_program_gets_its_files_and_stdin_and_its_output_comes_back(sandbox, language):
    files = {"x.h": "#define X 2\n"}
    result = sandbox.run(Program(code=ECHO[language], language=language, stdin="21", files=files))
    assert (result.status, result.stdout) == ("passed", "42\n"), result
    assert result.evidence == {"backend": "bubblewrap", "returncode": 0, "limit": None}


@IN_EVERY
def test_the_exit_code_is_evidence(sandbox, language):
    result = sandbox.run(Program(code=EXIT[language], language=language))
    assert (result.status, result.evidence["returncode"]) == ("failed", 3)


@IN_EVERY
def test_a_program_that_spins_meets_its_deadline(sandbox, language):
    program = Program(code=SPIN[language], language=language, timeout_s=1)
    assert sandbox.run(program).status == "timeout"


@IN_EVERY
def test_a_program_sees_no_file_of_the_machine(sandbox, language):
    result = sandbox.run(Program(code=READ[language], language=language))
    assert result.evidence["returncode"] == 5


@C
@CPP
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_what_the_compiler_says_is_the_error_output(sandbox, language):
    program = Program(code="int main() { return x; }", language=language, output_bytes=60)
    result = sandbox.run(program)
    assert (result.status, result.evidence["step"]) == ("failed", "compile")
    assert "error" in result.stderr
    assert len(result.stderr.encode()) <= 60


@C
@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/zero"])
def test_the_compiler_is_confined_too(sandbox, monkeypatch, path):
    monkeypatch.setattr(languages, "COMPILE_TIMEOUT_S", 3.0)
    result = sandbox.run(Program(code=f'#include "{path}"\nint main(void) {{}}', language="c"))
    assert result.evidence["step"] == "compile"
    assert result.status != "passed"
    assert "root:" not in result.stderr


@CPP
def test_a_source_that_outgrows_its_compiler_is_stopped(sandbox, monkeypatch):
    monkeypatch.setattr(languages, "COMPILE_TIMEOUT_S", 1.0)
    assert sandbox.run(Program(code="int main() {}", language="cpp")).status == "passed"
    code = (
        "template <int N, int M> struct A { static constexpr long v ="
        " A<N - 1, M * 2>::v + A<N - 1, M * 2 + 1>::v; };\n"
        "template <int M> struct A<0, M> { static constexpr long v = M; };\n"
        "int main() { return A<26, 0>::v; }\n"
    )
    result = sandbox.run(Program(code=code, language="cpp"))
    assert (result.status, result.evidence["step"]) in (("timeout", "compile"), ("oom", "compile"))


@CPP
def test_memory_of_a_compiled_program_is_limited(sandbox):
    code = "#include <vector>\nint main() { std::vector<char> x(%d, 1); return x[7] - 1; }"
    for size, status in ((10**9, "oom"), (10**7, "passed")):
        program = Program(code=code % size, language="cpp", memory_mb=128)
        assert sandbox.run(program).status == status


@C
def test_a_program_is_compiled_once_for_all_its_inputs(monkeypatch):
    started = []
    start = BubblewrapSandbox.start
    monkeypatch.setattr(
        BubblewrapSandbox, "start", lambda self, launch: started.append(1) or start(self, launch)
    )
    sandbox = BubblewrapSandbox()
    sandbox.run(Program(code=EXIT["c"], language="c"))
    started.clear()
    for header in ("2", "2", "3"):
        files = {"x.h": f"#define X {header}"}
        for number in (1, 2, 3):
            program = Program(code=ECHO["c"], language="c", stdin=str(number), files=files)
            assert sandbox.run(program).stdout == f"{number * int(header)}\n"
    assert len(started) == 9 + 2


@C
def test_inputs_tried_at_the_same_time_wait_for_one_compiler(monkeypatch):
    compiled = []
    launch = languages._compiler_launch
    monkeypatch.setattr(
        languages, "_compiler_launch", lambda *parts: compiled.append(1) or launch(*parts)
    )
    sandbox, files = BubblewrapSandbox(), {"x.h": "#define X 2\n"}
    sandbox.run(Program(code=EXIT["c"], language="c"))
    compiled.clear()
    programs = [
        Program(code=ECHO["c"], language="c", stdin=str(number), files=files) for number in range(4)
    ]
    results = sandbox.run_many(programs, workers=4)
    assert [result.stdout for result in results] == ["0\n", "2\n", "4\n", "6\n"]
    assert len(compiled) == 1
    broken = [program.model_copy(update={"code": "int main( {"}) for program in programs]
    steps = {result.evidence.get("step") for result in sandbox.run_many(broken, workers=4)}
    assert steps == {"compile"}


@C
def test_a_compiled_program_that_crashes_has_failed(sandbox):
    program = Program(code="int main(void) { *(volatile int *)0 = 1; }", language="c")
    result = sandbox.run(program)
    assert (result.status, result.evidence["returncode"]) == ("failed", 139)


@JAVASCRIPT
@pytest.mark.parametrize(
    "code",
    [
        "const a = []; for (;;) a.push({x: [1, 2, 3]});",
        "const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1));",
        "const a = []; for (;;) a.push(new Float64Array(1 << 20).fill(1));",
    ],
)
def test_memory_of_javascript_is_limited_on_and_off_its_heap(sandbox, code):
    result = sandbox.run(Program(code=code, language="javascript", memory_mb=128))
    assert result.status == "oom", result


@JAVASCRIPT
def test_javascript_starts_under_the_least_memory_and_reserves_what_it_likes(sandbox):
    code = "new WebAssembly.Memory({initial: 1, maximum: 1000}); console.log('x')"
    result = sandbox.run(Program(code=code, language="javascript", memory_mb=64))
    assert (result.status, result.stdout) == ("passed", "x\n")


@JAVASCRIPT
def test_javascript_reaches_no_network(sandbox):
    result = sandbox.run(Program(code=NETWORK, language="javascript"))
    assert result.evidence["returncode"] == 5


@pytest.mark.parametrize("language", list(TOOLCHAINS))
def test_a_missing_tool_leaves_the_program_unmeasured_and_is_named(monkeypatch, language):
    monkeypatch.setattr(languages.shutil, "which", lambda *_, **__: None)
    result = BubblewrapSandbox().run(Program(code="", language=language))
    tool = TOOLCHAINS[language].tool
    assert result.status == "sandbox_error"
    assert result.evidence["missing_tool"] == tool
    assert tool in result.evidence["error"]


@pytest.mark.parametrize("language", list(TOOLCHAINS))
def test_a_tool_that_does_not_work_is_not_the_programs_fault(monkeypatch, language):
    monkeypatch.setattr(languages, "find_tool", lambda _: shutil.which("false"))
    result = BubblewrapSandbox().run(Program(code=EXIT[language], language=language))
    assert result.status == "sandbox_error"
    assert "honest" in result.evidence["error"]


@JAVASCRIPT
def test_an_interpreter_outside_the_systems_folders_is_shown_inside(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        copy = shutil.copy(find_tool("javascript"), folder)
        monkeypatch.setattr(languages, "find_tool", lambda _: copy)
        program = Program(code="console.log(process.execPath)", language="javascript")
        assert BubblewrapSandbox().run(program).stdout == f"{copy}\n"


@C
def test_other_backends_hand_over_all_but_python():
    assert run_other_language(Program(code="print(1)")) is None
    result = run_other_language(Program(code=EXIT["c"], language="c"))
    assert result.evidence["returncode"] == 3


def test_the_unconfined_backend_does_not_take_c_for_python():
    assert UnsafeSubprocess().run(Program(code="1", language="c")).status == "sandbox_error"


@pytest.mark.parametrize("language", list(MAIN_FILES))
def test_no_file_takes_the_place_of_the_code(language):
    with pytest.raises(ValidationError, match="beside"):
        Program(code="", language=language, files={MAIN_FILES[language]: ""})
    others = {name: "" for key, name in MAIN_FILES.items() if key != language}
    assert Program(code="", language=language, files=others).files == others
