"""Targets of HumanEval+ and MBPP+ rows (EvalPlus, arXiv 2305.01210).

Rows hold inputs and a canonical solution; what an answer must give is what that solution gives.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from purpcode.oracles.unit_testing.target import BadTargetError, Comparison

SPECIAL_COMPARISONS: dict[str, Comparison] = {
    **dict.fromkeys(
        (
            *("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly"),
            *("larg_nnum", "intersection_array", "find_dissimilar", "Diff"),
        ),
        "set",
    ),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), "not_none"),
    "find_zero": "polynomial_root",
}
"""Entry points whose values EvalPlus does not compare as they are: the order of a list that stands
for a set, a match object that stands for yes, any root of a polynomial."""

_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input")


def evalplus_target(row: Mapping[str, Any]) -> dict[str, Any]:
    """The `unit_tests` target of a row of HumanEvalPlus.jsonl or MbppPlus.jsonl.

    JSON has no tuples, sets or complex numbers: where the row's own assertions call the function
    with some, the inputs are brought into the same shape.

    Raises:
        BadTargetError: naming a field that is missing.
    """
    missing = [name for name in _FIELDS if name not in row]
    if missing:
        raise BadTargetError(f"the row has no '{missing[0]}'")
    entry_point, solution = row["entry_point"], row["canonical_solution"]
    stands_alone = f"def {entry_point}" in solution
    shapes = argument_shapes(row.get("assertion") or "", entry_point)
    inputs = {
        name: [shaped(list(args), shapes) for args in row[name] or ()]
        for name in ("base_input", "plus_input")
    }
    return {
        "entry_point": entry_point,
        **inputs,
        "reference": solution if stands_alone else row["prompt"] + solution,
        "comparison": SPECIAL_COMPARISONS.get(entry_point, "equal"),
        "atol": row.get("atol") or 0.0,
    }


def argument_shapes(assertions: str, entry_point: str) -> list[Any]:
    """Example arguments by position, from the calls in assert statements: lists of literals."""
    examples: list[list[Any]] = []
    try:
        tree = ast.parse(assertions)
    except (SyntaxError, ValueError):
        return []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", None) != entry_point:
            continue
        for position, argument in enumerate(node.args):
            examples += [[]] * (position + 1 - len(examples))
            try:
                examples[position] = [*examples[position], ast.literal_eval(argument)]
            except (ValueError, TypeError, SyntaxError):  # an expression, not a literal
                continue
    return examples


def shaped(args: Sequence[Any], examples: Sequence[Sequence[Any]]) -> list[Any]:
    """Arguments in the kinds that their examples have."""
    made = []
    for position, value in enumerate(args):
        known = examples[position] if position < len(examples) else ()
        nested = _containers(known) == {tuple}
        made.append(_all_tuples(value) if nested else _like(value, known))
    return made


def _like(value: Any, examples: Sequence[Any]) -> Any:
    """A JSON value as tuple, set or complex number where all its examples are one."""
    kinds = {type(example) for example in examples}
    if isinstance(value, str) and kinds and str not in kinds:
        return _complex(value)
    if isinstance(value, dict):
        inner = _inside(examples, dict)
        return {_key_like(key, examples): _like(item, inner) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    inner = _inside(examples, list, tuple, set)
    items = [_like(item, _at(examples, place, inner)) for place, item in enumerate(value)]
    if len(kinds) == 1 and (kind := next(iter(kinds))) in (tuple, set, frozenset):
        return kind(items)
    return items


def _complex(text: str) -> Any:
    """A complex number in place of its text; other text stays."""
    try:
        return complex(text)
    except ValueError:
        return text


def _containers(values: Sequence[Any]) -> set[type[Any]]:
    """Kinds of the containers in some values, at any depth."""
    held = [value for value in values if isinstance(value, list | tuple | set)]
    return {type(one) for one in held}.union(*(_containers(list(one)) for one in held))


def _all_tuples(value: Any) -> Any:
    return tuple(map(_all_tuples, value)) if isinstance(value, list) else value


def _key_like(key: str, examples: Sequence[Any]) -> Any:
    keys = [one for example in examples if isinstance(example, dict) for one in example]
    return int(key) if keys and all(type(one) is int for one in keys) else key


def _inside(examples: Sequence[Any], *kinds: type[Any]) -> list[Any]:
    held = [example for example in examples if isinstance(example, kinds)]
    return [item for one in held for item in (one.values() if isinstance(one, dict) else one)]


def _at(examples: Sequence[Any], place: int, inner: list[Any]) -> list[Any]:
    """Examples of an item: of its place where places differ in kind, else of every place."""
    if len({type(item) for item in inner if isinstance(item, list | tuple | set)}) < 2:
        return [item for item in inner if isinstance(item, list | tuple | set | dict | complex)]
    return [one[place] for one in examples if isinstance(one, list | tuple) and place < len(one)]
