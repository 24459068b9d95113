"""What `unit_tests` reads of a sample's target."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

TargetLanguage = Literal["python", "c", "cpp", "javascript"]
Comparison = Literal["strict", "equal", "set", "not_none", "polynomial_root"]


class BadTargetError(Exception):
    """A target that cannot judge any code, and why."""


class Call(BaseModel):
    """One input of the data oracle and the value it must give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    expected: Any
    wrapped: bool = False
    """The first item of `expected` is right too (data sets that wrap each output in a list)."""


class TestTarget(BaseModel):
    """What `unit_tests` reads of `Sample.target`; every form present must pass."""

    __test__ = False  # not a test case, whatever its name says to pytest

    model_config = ConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, populate_by_name=True
    )

    language: TargetLanguage = "python"
    entry_point: str | None = None
    """Function or class under test. `fn_name` of published sets makes `inputs` and `outputs` its
    arguments and values instead of printed text."""
    module: str = Field("solution", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name under which the tests import the code under test."""
    tests: str | None = Field(None, validation_alias=AliasChoices("tests", "functional"))
    """Assert statements, or a function `check(candidate)` that holds them."""
    pytest: str | None = None
    """The text of a pytest file."""
    calls: list[Call] | None = Field(None, min_length=1)
    inputs: list[str | list[str]] | None = Field(None, min_length=1)
    """Texts for standard input."""
    outputs: list[str | list[str]] | None = None
    base_input: list[list[Any]] | None = None
    """Positional arguments; the values come from `reference`."""
    plus_input: list[list[Any]] | None = None
    """More of them."""
    reference: str | None = Field(
        None, validation_alias=AliasChoices("reference", "canonical_solution")
    )
    """Code that is right. It calibrates the deadline; tests it fails judge nobody."""
    comparison: Comparison = "strict"
    """How the values of calls are compared (see `comparison`)."""
    atol: float = Field(0.0, ge=0.0)

    @model_validator(mode="before")
    @classmethod
    def _published_shapes(cls, target: Any) -> Any:
        """Bring the shapes of published data sets into ours."""
        if not isinstance(target, Mapping):
            return target
        target = {name: value for name, value in target.items() if value is not None}
        for name in ("tests", "functional"):
            if isinstance(target.get(name), list):
                target[name] = "\n".join(map(str, target[name]))
        if target.get("fn_name"):
            target = _with_calls(target)
        tests = target.get("tests", target.get("functional"))
        if isinstance(tests, str) and "pytest" not in target and _is_pytest_file(tests):
            target = {**target, "pytest": tests}
            target.pop("tests", None)
            target.pop("functional", None)
        return target

    @model_validator(mode="after")
    def _complete(self) -> TestTarget:
        ours = (self.tests, self.pytest, self.calls, self.arguments or None)
        if self.inputs is None and all(form is None for form in ours):
            raise ValueError("the target has no 'tests', 'pytest', 'calls' or 'inputs'")
        if self.language != "python" and any(form is not None for form in ours):
            raise ValueError(f"{self.language} code is tested by 'inputs' and 'outputs' only")
        if (self.calls or self.arguments) and not self.entry_point:
            raise ValueError("'calls' need an 'entry_point'")
        if self.arguments and self.reference is None:
            raise ValueError("'base_input' needs a 'reference' that gives the right values")
        if self.inputs is not None and len(self.inputs) != len(self.outputs or []):
            raise ValueError("'inputs' and 'outputs' differ in number")
        return self

    @property
    def arguments(self) -> list[list[Any]]:
        """Arguments whose values the reference gives."""
        return [*(self.base_input or ()), *(self.plus_input or ())]


def read_target(target: Mapping[str, Any]) -> TestTarget:
    """The target's tests; raises `BadTargetError` naming what is missing or wrong."""
    try:
        return TestTarget.model_validate(target)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise BadTargetError(f"target.{place}: {message}" if place else message) from None


def target_of_ground_truth(text: str, **more: Any) -> dict[str, Any]:
    """The target of a published RL row: its `reward_model.ground_truth`, a JSON object with
    `pytest`, `functional`, or `inputs` and `outputs`. `more` adds what stands beside it
    (`entry_point`, `reference` ...); None adds nothing.

    Raises:
        BadTargetError: the text is no JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTargetError(f"the ground truth is not JSON ({error})"[:200]) from None
    if not isinstance(found, dict):
        raise BadTargetError("the ground truth is not a JSON object")
    return {**found, **{name: value for name, value in more.items() if value is not None}}


def _with_calls(target: dict[str, Any]) -> dict[str, Any]:
    """Turn the inputs and outputs of a named function into calls."""
    inputs, outputs = target.get("inputs"), target.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise ValueError("'fn_name' needs lists of 'inputs' and 'outputs'")
    if len(inputs) != len(outputs):
        raise ValueError("'inputs' and 'outputs' differ in number")
    calls = [_call(*pair) for pair in zip(inputs, outputs, strict=True)]
    rest = {name: value for name, value in target.items() if name not in ("inputs", "outputs")}
    return {"entry_point": target["fn_name"], **rest, "calls": calls}


def _call(given: Any, wanted: Any) -> dict[str, Any]:
    """One call: a list of arguments, or a text with a JSON value a line, and what it must give."""
    try:
        if isinstance(given, str):
            args = [json.loads(line) for line in given.split("\n") if line.strip()]
            return {"args": args, "expected": json.loads(wanted)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"an input or output of the function is not JSON ({error})") from None
    args = given if isinstance(given, list) else [given]
    return {"args": args, "expected": wanted, "wrapped": isinstance(wanted, list)}


def _is_pytest_file(tests: str) -> bool:
    """Whether tests wait for a runner: `test_*` functions or `Test*` classes nothing calls."""
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError):
        return False
    waiting = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:4] == "test"
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    cases = any(
        isinstance(node, ast.ClassDef)
        and (node.name[:4] == "Test" or "TestCase" in ast.unparse(node).split(":", 1)[0])
        and node.name not in used
        for node in tree.body
    )
    return bool(waiting - used) or cases
