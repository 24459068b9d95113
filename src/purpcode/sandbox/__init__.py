"""Where model-written code runs, and nowhere else.
In: a `Program` (untrusted code, files, stdin, limits) and a sandbox from `open_sandbox`.
Out: an `ExecutionResult` whose status tells a failing program from a failing sandbox."""

from purpcode.sandbox.execution import ExecutionResult, ExecutionStatus, Program, Sandbox
from purpcode.sandbox.registry import SANDBOXES, open_sandbox, sandbox_report

__all__ = [
    "SANDBOXES",
    "ExecutionResult",
    "ExecutionStatus",
    "Program",
    "Sandbox",
    "open_sandbox",
    "sandbox_report",
]
