"""What must agree before two evaluations can be compared, and what of it differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from purpcode.errors import InputError
from purpcode.evals.results import Asking, EvalHeader
from purpcode.reports.visible import visible

Kind = Literal["oracles", "data", "asking", "sampling"]

NOTED: tuple[Kind, ...] = ("asking", "sampling")
"""What a report notes and a comparison refuses: a run's own stages may ask differently."""

_ONLY_NOTED = frozenset({"seed"})
"""Sampling fields in which repetitions of one experiment differ on purpose."""


@dataclass(frozen=True)
class ProtocolDifference:
    """One thing in which two evaluations differ, in words."""

    kind: Kind
    text: str


def protocol_differences(first: EvalHeader, other: EvalHeader) -> list[ProtocolDifference]:
    """Everything that makes the rates of two evaluations of one suite incomparable."""
    ours, theirs = _protocol(first), _protocol(other)
    pair = f"'{first.label}' and '{other.label}'"
    found = []
    named = _differing(ours["oracles"], theirs["oracles"])
    if named:
        found.append(
            ProtocolDifference(
                "oracles", f"{pair} were judged by different oracles ({', '.join(named)})"
            )
        )
    named = _differing(ours["data"], theirs["data"])
    if named:
        text = f"{pair} were evaluated on different data ({_values(ours, theirs, 'data', named)})"
        found.append(ProtocolDifference("data", text))
    stated = ours["asking"].keys() & theirs["asking"].keys()
    named = [name for name in _differing(ours["asking"], theirs["asking"]) if name in stated]
    if named:
        text = f"{pair} were given other prompts ({_values(ours, theirs, 'asking', named)})"
        found.append(ProtocolDifference("asking", text))
    named = _differing(ours["sampling"], theirs["sampling"])
    if named:
        text = f"{pair} were sampled differently ({_values(ours, theirs, 'sampling', named)})"
        found.append(ProtocolDifference("sampling", text))
    return found


def refuse_differences(
    differences: Collection[ProtocolDifference],
    allowed: Collection[Kind],
    folders: Collection[Path | None] = (),
    *,
    optional: bool = True,
) -> None:
    """Raise an `InputError` for the first difference that is not allowed, with the way on.

    `optional` says whether the user could allow it.
    """
    for difference in differences:
        if difference.kind not in allowed:
            raise InputError(
                visible(f"{difference.text}: their rates cannot be compared"),
                hint=_hint(
                    difference.kind, [str(one) for one in folders if one is not None], optional
                ),
            )


def _hint(kind: Kind, folders: list[str], optional: bool) -> str:
    if kind == "oracles":
        commands = " and ".join(f"`purpcode score {one}`" for one in folders)
        hint = "Judge the saved answers again with the same oracles: "
        hint += commands or "`purpcode score`"
    elif kind == "data":
        hint = "Evaluate both on the same data"
    else:
        hint = "Evaluate both in the same way"
    anyway = f"`purpcode compare --allow-different-{kind}`"
    return f"{hint}; or compare anyway with {anyway}." if optional else f"{hint}."


def _protocol(header: EvalHeader) -> dict[Kind, dict[str, Any]]:
    """The header's fields by what they decide."""
    data = {} if header.data is None else {"rows": header.data.rows, "digest": header.data.digest}
    sampling = {key: value for key, value in header.sampling.items() if key not in _ONLY_NOTED}
    if header.draws > 1:
        sampling["draws"] = header.draws
    return {
        "oracles": dict(header.oracle_fingerprints),
        "data": data,
        "asking": _asking(header),
        "sampling": sampling,
    }


def _asking(header: EvalHeader) -> dict[str, Any]:
    """What was done to the prompts. Results that do not say it are taken as asked plainly."""
    asking = header.asking or Asking()
    done = {
        "system prompt": f"reminder {asking.system_prompt}" if asking.system_prompt else "none",
        "rewritten by": asking.transform or "nothing",
    }
    if asking.trim_thinking is not None:
        done["earlier thoughts"] = "cut" if asking.trim_thinking else "kept"
    return done


def _differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))


def _values(
    ours: Mapping[Kind, Mapping[str, Any]],
    theirs: Mapping[Kind, Mapping[str, Any]],
    kind: Kind,
    named: Collection[str],
) -> str:
    shown = (f"{key}: {ours[kind].get(key)} against {theirs[kind].get(key)}" for key in named)
    return ", ".join(shown)
