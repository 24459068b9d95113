"""How untrusted code meets its tests without ever sharing an interpreter with them.
In: a sample's target and the code of an answer. Out: sandbox programs, and a verdict from what
they printed. `wire`, `remote`, `peer`, `code_side`, `tests_side`, `stubs`, `marks` and `run_*` run
inside the sandbox, on the standard library alone (and pytest, in `run_pytest`)."""
