"""cwe_tests: CWEval's own tests of an answer, functional and security, in the sandbox.

A task's tests judge an answer only where its reference solution passes all of them in the same
sandbox: a missing library, binary or tool thus leaves the task unmeasured. The answer's code lies
beside the test file under the task's name, as upstream lays it out, and may use what the
reference solution imports. Test and answer in Python share an interpreter, which is what upstream's
tests need (they get objects, patch modules, read temporary files); an answer could forge its result
there. What it cannot do is end the run early: every test that the reference passed must be
reported as passed. Answers in other languages are processes of their own (`cwe_programs`).
"""

from __future__ import annotations

import ast
import functools
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from purpcode.errors import PurpcodeError, UnavailableError
from purpcode.evals.benchmarks.cweval import VARIABLE
from purpcode.evals.cwe_build import LANGUAGES, tools_identity
from purpcode.evals.cwe_driver import TEST_FILE
from purpcode.evals.cwe_programs import CHECKER, ProgramTests
from purpcode.evals.cwe_report import Report, read_report
from purpcode.oracles.oracle import digest
from purpcode.oracles.settings import OracleSettings
from purpcode.oracles.source_digest import source_digest
from purpcode.oracles.unit_testing.answer_code import NoCodeError, python_code, source_code
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.execution import Program, Sandbox
from purpcode.sandbox.packages import offered
from purpcode.types import Completion, Sample, Verdict

PACKAGES = (
    "pytest", "pycryptodome", "argon2-cffi", "lxml", "PyJWT", "PyYAML", "requests",
    "wrapt-timeout-decorator",
)  # fmt: skip
"""What the tests and tasks of CWEval import; those that are installed are offered inside."""
TIMEOUT_S = 60.0
"""Deadline of one task's test file; the tests of slow patterns alone take several seconds."""
MEMORY_MB = 2048

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class CweTests:
    """Passes when an answer is functional and secure; `evidence` says each.

    `Sample.target`: `module` (the task's name), `test` (its test file), `reference` (its
    reference solution), `language`, and for C and C++ `sanitized` (upstream compiles the task with
    AddressSanitizer). Only the sandbox `bubblewrap` (and `zygote`, which has it beside it) starts
    programs that are not Python; elsewhere their tasks are unmeasured.
    """

    name = "cwe_tests"

    def __init__(
        self,
        settings: OracleSettings,
        *,
        sandbox: Sandbox | None = None,
        checkout: Path | None = None,
    ) -> None:
        named = os.environ.get(VARIABLE)
        self._settings = settings
        self._sandbox = sandbox
        self._checkout = checkout or (Path(named) if named else None)
        self._controls: dict[str, Report] = {}
        self._opened: ProgramTests | None = None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox with the packages that are installed, opened on first use.

        Raises:
            UnavailableError: no sandbox holds against its probes.
        """
        if self._sandbox is None:
            from purpcode.sandbox.registry import open_sandbox

            self._sandbox = open_sandbox(self._settings.sandbox, packages=offered(PACKAGES))
        return self._sandbox

    def fingerprint(self) -> str:
        """Code, tools, sandbox with its packages; raises `UnavailableError` without a sandbox."""
        code = source_digest(__name__)
        return digest(self.name, code, tools_identity(), self.sandbox.fingerprint())

    def judge(self, samples: Sequence[Sample], completions: Sequence[Completion]) -> list[Verdict]:
        """One verdict per pair; the reference of each task runs once, before any answer."""
        pairs = list(zip(samples, completions, strict=True))
        verdicts = [self._unread(*pair) for pair in pairs]
        rows = [row for row, verdict in enumerate(verdicts) if verdict is None]
        try:
            self._run_controls([samples[row] for row in rows])
            for row in list(rows):
                fault = self._fault(samples[row])
                if fault:
                    missing = self._controls[self._key(samples[row])].missing
                    evidence = {"missing_tool": missing} if missing else {}
                    verdicts[row] = Verdict.unmeasured(self.name, fault, evidence=evidence)
            self._run_answers(pairs, verdicts)
        except PurpcodeError as error:
            unmeasured = Verdict.unmeasured(self.name, error.message)
            verdicts = [verdict or unmeasured for verdict in verdicts]
        return [verdict for verdict in verdicts if verdict is not None]

    def _unread(self, sample: Sample, completion: Completion) -> Verdict | None:
        target = sample.target
        if target.get("language") not in LANGUAGES:
            return Verdict.unmeasured(
                self.name, f"tests of {target.get('language')} tasks are not run here"
            )
        if not target.get("test") or not target.get("reference"):
            return Verdict.unmeasured(
                self.name, "no tests: name a checkout of CWEval (--cweval_path, PURPCODE_CWEVAL)"
            )
        if not _NAME.fullmatch(str(target.get("module"))):
            return Verdict.unmeasured(self.name, "target.module names no module")
        if completion.stop_reason == "error":
            return Verdict.unmeasured(self.name, "the model failed to produce this completion")
        return None

    def _run_controls(self, samples: Sequence[Sample]) -> None:
        # A fault of the sandbox says nothing of the task: it is not remembered.
        known = {key: one for key, one in self._controls.items() if not _may_pass_later(one)}
        waiting = {self._key(one): one for one in samples if self._key(one) not in known}
        targets = [one.target for one in waiting.values()]
        asked = [(target, str(target["reference"])) for target in targets]
        reports = self._run(asked, references=True)
        self._controls.update(zip(waiting, reports, strict=True))

    def _fault(self, sample: Sample) -> str:
        """Why a task's tests can judge nobody here; "" when they can."""
        control = self._controls[self._key(sample)]
        if control.fault:
            return f"the reference solution cannot be tested here: {control.fault}"
        if control.failing():
            return f"the reference solution fails here: {control.failing()}"
        if not (control.has("functionality") and control.has("security")):
            return "the test file has no functional or no security tests"
        return ""

    def _run_answers(
        self, pairs: Sequence[tuple[Sample, Completion]], verdicts: list[Verdict | None]
    ) -> None:
        rows: list[int] = []
        programs: list[tuple[Mapping[str, Any], str]] = []
        for row, (sample, completion) in enumerate(pairs):
            if verdicts[row] is not None:
                continue
            try:
                code = _code(completion.text, str(sample.target["language"]))
            except NoCodeError as error:
                verdicts[row] = self._verdict(False, False, str(error), {})
                continue
            rows.append(row)
            programs.append((sample.target, code))
        for row, report in zip(rows, self._run(programs), strict=True):
            verdicts[row] = self._graded(report, self._controls[self._key(pairs[row][0])])

    def _graded(self, report: Report, control: Report) -> Verdict:
        if report.unmeasured:
            return Verdict.unmeasured(self.name, report.fault)
        functional = report.passed("functionality", control)
        secure = report.passed("security", control)
        failed = [name for name in control.tests if not report.tests.get(name, ((), False))[1]]
        reason = report.fault or (f"failed: {', '.join(failed)[:300]}" if failed else "all passed")
        return self._verdict(functional, secure, reason, {"tests": len(control.tests)})

    def _verdict(
        self, functional: bool, secure: bool, reason: str, evidence: Mapping[str, Any]
    ) -> Verdict:
        build = Verdict.ok if functional and secure else Verdict.failed
        found = {"functional": functional, "secure": secure, **evidence}
        return build(self.name, reason, evidence=found)

    def _run(
        self, asked: Sequence[tuple[Mapping[str, Any], str]], *, references: bool = False
    ) -> list[Report]:
        """Reports of (target, code), in order; `references` are whole programs. What a fault of the
        sandbox left unmeasured is run once more."""
        reports = self._run_once(asked, references=references)
        again = [row for row, report in enumerate(reports) if _may_pass_later(report)]
        second = self._run_once([asked[row] for row in again], references=references)
        for row, report in zip(again, second, strict=True):
            reports[row] = report
        return reports

    def _run_once(
        self, asked: Sequence[tuple[Mapping[str, Any], str]], *, references: bool
    ) -> list[Report]:
        apart = [_starts_programs(target) for target, _ in asked]
        modules = [pair for pair, other in zip(asked, apart, strict=True) if not other]
        programs = [pair for pair, other in zip(asked, apart, strict=True) if other]
        reports = iter(self._run_modules(modules)), iter(self._run_programs(programs, references))
        return [next(reports[other]) for other in apart]

    def _run_programs(
        self, asked: Sequence[tuple[Mapping[str, Any], str]], references: bool
    ) -> list[Report]:
        if not asked:
            return []
        try:
            tests = self._programs()
        except UnavailableError as error:
            return [Report({}, error.message, unmeasured=True) for _ in asked]

        def run(pair: tuple[Mapping[str, Any], str]) -> Report:
            target, code = pair
            if target["language"] == "python":
                return tests.module(target, _imports(str(target["reference"])) + code)
            return (tests.reference if references else tests.answer)(target, code)

        workers = min(self._settings.workers or len(os.sched_getaffinity(0)), len(asked))
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(run, asked))

    def _programs(self) -> ProgramTests:
        """The sandbox for answers that are programs; raises `UnavailableError` without one."""
        if self._opened is None:
            sandbox = self.sandbox
            if sandbox.name == "zygote":
                from purpcode.sandbox.registry import open_sandbox

                sandbox = open_sandbox(BubblewrapSandbox.name, packages=sandbox.packages)
            if not isinstance(sandbox, BubblewrapSandbox):
                raise UnavailableError(
                    f"the sandbox '{sandbox.name}' does not run tests that start programs:"
                    f" tasks other than Python need '{BubblewrapSandbox.name}'"
                )
            self._opened = ProgramTests(sandbox, _driver(), self._checkout)
        return self._opened

    def _run_modules(self, asked: Sequence[tuple[Mapping[str, Any], str]]) -> list[Report]:
        if not asked:
            return []
        nonces = [secrets.token_hex(16) for _ in asked]
        programs = [
            Program(
                code=_driver(),
                files={
                    f"{target['module']}.py": _imports(str(target["reference"])) + code,
                    TEST_FILE: str(target["test"]),
                },
                stdin=f"{nonce}\n",
                timeout_s=TIMEOUT_S,
                memory_mb=MEMORY_MB,
            )
            for nonce, (target, code) in zip(nonces, asked, strict=True)
        ]
        results = self.sandbox.run_many(programs, self._settings.workers)
        return [read_report(*pair) for pair in zip(nonces, results, strict=True)]

    def _key(self, sample: Sample) -> str:
        target = sample.target
        fields = ("module", "test", "reference", "language")
        return digest(*(target[name] for name in fields), bool(target.get("sanitized")))


def _may_pass_later(report: Report) -> bool:
    return report.unmeasured and not report.missing


def _starts_programs(target: Mapping[str, Any]) -> bool:
    return target["language"] != "python" or CHECKER in str(target["test"])


def _code(text: str, language: str) -> str:
    return python_code(text) if language == "python" else source_code(text, language)


def _imports(reference: str) -> str:
    """The reference solution's imports at top level, for the answer to use as upstream allows."""
    try:
        tree = ast.parse(reference)
    except (SyntaxError, ValueError):
        return ""
    kept = [
        node
        for node in tree.body
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and node.module != "__future__")
    ]
    return "".join(f"{ast.unparse(node)}\n" for node in kept)


@functools.cache
def _driver() -> str:
    return (Path(__file__).parent / "cwe_driver.py").read_text(encoding="utf-8")
