"""The published command line of the recipe (`eval/main.py`), kept working.

Flags keep their names and meaning; `--trim_thinking False`, `--notrim_thinking` and
`--trim-thinking=False` are the same, as before.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from purpcode.analyzers.registry import evaluation_profile
from purpcode.errors import InputError, PurpcodeError
from purpcode.evals.command import run_eval
from purpcode.evals.eval_settings import EvalSettings
from purpcode.models.model import Sampling
from purpcode.oracles.settings import OracleSettings

THOUGHT_TOKENS = 1024
"""Tokens granted for the analysis on top of `--answer_token_budget`."""

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SWITCHES = ("trim_thinking", "sys_prompt")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, or 2 for wrong usage or input)."""
    try:
        run_eval(parse(sys.argv[1:] if argv is None else argv))
    except PurpcodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command continues from here", file=sys.stderr)
        return 130
    return 0


def parse(argv: Sequence[str]) -> EvalSettings:
    """Settings from the published flags.

    Raises:
        InputError: a value out of range.
        SystemExit: unknown or malformed flags (code 2), or `--help`.
    """
    flags = _parser().parse_args(_with_underscores(argv))
    if flags.answer_token_budget < 1:
        raise InputError("must be at least 1", field="answer_token_budget")
    try:
        judged: dict[str, Any] = {"analyzers": (evaluation_profile(),)}
        if flags.llm_judge:
            judged["judge"] = flags.llm_judge
        return EvalSettings(
            task=flags.task,
            model=flags.model,
            data=flags.data,
            folder=flags.out,
            label=flags.model_id,
            sampling=Sampling(
                temperature=flags.temperature,
                max_tokens=flags.answer_token_budget + THOUGHT_TOKENS,
            ),
            batch_size=flags.bs,
            backend=flags.backend,
            tensor_parallel=flags.tp,
            system_prompt=flags.sys_prompt,
            trim_thinking=flags.trim_thinking,
            transform_conversation=flags.transform_conversation,
            oracle=flags.oracle,
            allow_partial=flags.allow_partial,
            limit=flags.limit,
            purplellama_path=flags.purplellama_path,
            cweval_path=flags.cweval_path,
            oracles=OracleSettings.model_validate(judged),
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], field=field) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="eval/main.py", allow_abbrev=False, description="Evaluate a model on a benchmark."
    )
    add = parser.add_argument
    add("--task", required=True, help='benchmark, such as "purpcode/QuickSuite"')
    add("--model", required=True, help="model name, folder or Hub id")
    add("--oracle", help="oracles or static analyzers, separated by commas")
    add("--backend", help="hf, vllm, openai or bedrock (default: what the model's name says)")
    add("--bs", type=int, default=64, help="prompts asked together")
    add("--tp", type=int, default=1, help="GPUs a vLLM model is spread over")
    add("--llm_judge", help="judge model (default: the embedded heuristic)")
    add("--temperature", type=float, default=0.0, help="0 is greedy")
    add("--answer_token_budget", type=int, default=2048, help="tokens for the answer")
    for switch in _SWITCHES:
        add(f"--{switch}", type=_boolean, nargs="?", const=True, default=switch == "trim_thinking")
    add("--transform_conversation", type=Path, help="Python file that rewrites conversations")
    add("--model_id", help="name of the model in tables and folders")
    add("--data", type=Path, help="data file (default: PURPCODE_DATA_DIR, else the Hub)")
    add("--allow_partial", action="store_true", help="go on with rows that are not all of them")
    add("--limit", type=int, help="ask only the first so many samples")
    add("--out", type=Path, help="folder of the results (default: results/<task>/<model_id>)")
    add("--purplellama_path", type=Path, help="PurpleLlama checkout: data, refusal phrases")
    add("--cweval_path", type=Path, help="CWEval checkout: its tasks and tests")
    return parser


def _with_underscores(argv: Sequence[str]) -> list[str]:
    """`--trim-thinking=x` → `--trim_thinking=x`, `--notrim_thinking` → `--trim_thinking False`."""
    words: list[str] = []
    for word in argv:
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        name = "--" + name[2:].replace("-", "_")
        if name.removeprefix("--no") in _SWITCHES:
            words += [f"--{name.removeprefix('--no')}", "False"]
        else:
            words.append(name + equals + value)
    return words


def _boolean(text: str) -> bool:
    value = _WORDS.get(text.lower())
    if value is None:
        raise argparse.ArgumentTypeError(f"'{text}' is neither True nor False")
    return value
