"""`purpcode eval` without a recipe: one model on one benchmark, `--validate` and `--chaos`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from purpcode.errors import InputError, PurpcodeError

if TYPE_CHECKING:
    from purpcode.evals.benchmarks.benchmark import Benchmark
    from purpcode.evals.eval_settings import EvalSettings
    from purpcode.evals.results import Prices

_Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
_NotNegative = Annotated[float, Parameter(validator=validators.Number(gte=0))]

_Price = Annotated[float | None, Parameter(validator=validators.Number(gte=0))]


@Parameter(name="*")
@dataclass(frozen=True)
class TaskOptions:
    """A benchmark, and how a model is put to it.

    Parameters
    ----------
    task
        A benchmark (`purpcode list benchmarks`), by its short or published name.
    model
        embedded/NAME, a folder, provider/model, or a Hub id.
    data
        A data file or the upstream project's checkout; by default the folder that
        PURPCODE_DATA_DIR names, else the Hub.
    allow_partial
        Go on with rows that are not the whole benchmark; tables then say so.
    folder
        Where the results go; with --chaos, the results folder whose answers are judged.
    label
        Short name of the model in tables.
    limit
        Ask only the first so many samples.
    sample_id
        Ask only these samples; may be given often.
    n
        Draws of each prompt, for pass@k; more than one needs a temperature.
    seed
        Seed of sampling.
    max_tokens
        Completion budget, tokens; by default the benchmark's (8192).
    temperature
        0 is greedy; by default the benchmark's (0).
    concurrency
        Prompts asked together.
    oracle
        Oracles in place of the benchmark's own, and static analyzers or profiles of them,
        separated by commas; code is judged by `thorough` where that is installed, else `fast`.
    judge
        `heuristic`, or the name of a model that judges.
    sys_prompt
        Put the reminder of the safety guidelines before prompts without a system message.
    trim_thinking
        Reduce earlier assistant turns to their answers.
    transform_conversation
        Python file of yours; its `transform_conversation(row)` rewrites each row's messages.
    cache
        Keep a service's answers on disk and repeat them instead of asking again.
    purplellama_path
        Checkout of PurpleLlama: CyberSecEval's data and refusal phrases.
    cweval_path
        Checkout of CWEval: its tasks and tests.
    price_in
        What a million tokens of the model's prompts cost; with --price-out, what the run may and
        did cost is shown.
    price_out
        What a million tokens of the model's answers cost.
    judge_price_in
        What a million tokens that a model judge reads cost.
    judge_price_out
        What a million tokens that a model judge answers cost.
    """

    task: str | None = None
    model: str | None = None
    data: Path | None = None
    allow_partial: bool = False
    folder: Path | None = None
    label: str | None = None
    limit: _Count | None = None
    sample_id: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    n: _Count = 1
    seed: int = 0
    max_tokens: _Count | None = None
    temperature: _NotNegative | None = None
    concurrency: _Count = 64
    oracle: str | None = None
    judge: str = "heuristic"
    sys_prompt: bool = False
    trim_thinking: bool = True
    transform_conversation: Path | None = None
    cache: Annotated[bool, Parameter(negative="")] = False
    purplellama_path: Path | None = None
    cweval_path: Path | None = None
    price_in: _Price = None
    price_out: _Price = None
    judge_price_in: _Price = None
    judge_price_out: _Price = None


def evaluate_task(options: TaskOptions) -> None:
    """Evaluate a model on a benchmark: ask, judge, print rates, leave a results folder.

    Raises:
        InputError: no task or model, or settings that do not go together.
    """
    if not (options.task and options.model):
        raise InputError("give a recipe, or --task and --model")
    from purpcode.analyzers.registry import evaluation_profile
    from purpcode.evals.command import run_eval
    from purpcode.evals.eval_settings import EvalSettings
    from purpcode.models.model import Sampling
    from purpcode.oracles.settings import OracleSettings

    if options.n > 1 and options.cache:
        raise InputError("draws of one prompt would be one answer repeated", field="cache")
    if options.n > 1 and not options.temperature:
        raise InputError(
            "draws of a greedy model are all the same", field="n", hint="Give a --temperature."
        )
    tokens, heat = _protocol(options.task)
    run_eval(
        EvalSettings(
            task=options.task,
            model=options.model,
            data=options.data,
            allow_partial=options.allow_partial,
            folder=options.folder,
            label=options.label,
            limit=options.limit,
            sample_ids=options.sample_id,
            draws=options.n,
            sampling=Sampling(
                max_tokens=tokens if options.max_tokens is None else options.max_tokens,
                temperature=heat if options.temperature is None else options.temperature,
                seed=options.seed,
            ),
            batch_size=options.concurrency,
            oracle=options.oracle,
            system_prompt=options.sys_prompt,
            trim_thinking=options.trim_thinking,
            purplellama_path=options.purplellama_path,
            cweval_path=options.cweval_path,
            transform_conversation=options.transform_conversation,
            cache=options.cache,
            oracles=OracleSettings(judge=options.judge, analyzers=(evaluation_profile(),)),
            prices=_prices(options),
        )
    )


def _prices(options: TaskOptions) -> Prices:
    from purpcode.evals.results import Prices

    for name in ("price", "judge_price"):
        given = getattr(options, f"{name}_in"), getattr(options, f"{name}_out")
        if None in given and given != (None, None):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"give both {option}-in and {option}-out, or neither")
    return Prices(
        model_in=options.price_in,
        model_out=options.price_out,
        judge_in=options.judge_price_in,
        judge_out=options.judge_price_out,
    )


def validate_benchmarks(task: str | None = None, *, judge: str = "heuristic") -> None:
    """Prove without a model that benchmarks score right answers 1 and wrong ones 0; exit 1 if not.

    Parameters
    ----------
    task
        One benchmark; by default all.
    judge
        `heuristic`, or the name of a model that judges.
    """
    from purpcode.evals.validation import told_missing, validate
    from purpcode.oracles.settings import OracleSettings

    failed = 0
    for benchmark in _benchmarks(task):
        try:
            checks = validate([benchmark], OracleSettings(judge=judge))
        except PurpcodeError as error:
            print(f"FAILED  {benchmark.name}: {error}")
            failed += 1
            continue
        missing = {check.sample_id: check.missing for check in checks if check.missing}
        broken = [check for check in checks if not check.holds and not check.missing]
        kinds = [check.kind for check in checks if not check.missing]
        state = "FAILED" if broken else "ok    "
        print(
            f"{state}  {benchmark.name}: {kinds.count('gold')} gold and {kinds.count('bad')}"
            f" bad answers, {len(broken)} scored wrongly"
        )
        for check in broken:
            print(f"        {check.kind} answer of {check.sample_id}: {check.reason}")
        for line in told_missing(missing):
            print(f"        not checked here: {line}")
        failed += bool(broken)
    if failed:
        raise SystemExit(1)


def drill(faults: str, task: str | None = None) -> None:
    """Break parts on purpose and show that nothing is measured by what is broken; exit 1 if it is.

    Parameters
    ----------
    faults
        Part=fault, separated by commas: analyzer=down, judge=garbage, sandbox=down ...
    task
        One benchmark; by default all.
    """
    from purpcode.evals.chaos import parse_faults, print_drill, run_drill

    report = run_drill(_benchmarks(task), parse_faults(faults))
    print_drill(report)
    if not report.holds:
        raise SystemExit(1)


def drill_own(faults: str, options: TaskOptions) -> None:
    """Break parts on purpose over the user's own answers or rows; without either, as `drill`.

    `options.folder` is a results folder: its saved answers are judged without the broken parts,
    and nothing in it is changed. `options.data` are a benchmark's rows: answers that stand in for a
    model's are judged. Exits 1 if an oracle judged without its part.

    Raises:
        InputError: options that do not go together, or answers that need no broken part.
    """
    if options.folder is None and options.data is None:
        drill(faults, options.task)
        return
    from purpcode.evals.chaos import parse_faults
    from purpcode.evals.chaos_answers import drill_folder, drill_rows, print_answers_drill

    broken = parse_faults(faults)
    if options.folder is not None:
        if options.task or options.data:
            raise InputError(
                "--folder names saved answers: leave out --task and --data", field="chaos"
            )
        drills = drill_folder(options.folder, broken)
    else:
        drills = drill_rows(_row_settings(options), broken)
    print_answers_drill(drills, broken)
    if any(one.leaks for one in drills):
        raise SystemExit(1)


def _row_settings(options: TaskOptions) -> EvalSettings:
    """Whose rows a drill reads; no model is asked."""
    from purpcode.evals.eval_settings import EvalSettings

    if not options.task:
        raise InputError("--data names rows: say with --task of which benchmark", field="chaos")
    return EvalSettings(
        task=options.task,
        model="",
        data=options.data,
        allow_partial=options.allow_partial,
        limit=options.limit,
        sample_ids=options.sample_id,
        oracle=options.oracle,
    )


def _benchmarks(task: str | None) -> list[Benchmark]:
    from purpcode.evals.benchmarks.registry import BENCHMARKS, require_benchmark

    return [require_benchmark(task)] if task else list(BENCHMARKS.values())


def _protocol(task: str) -> tuple[int, float]:
    """Token budget and temperature of a task's protocol."""
    from purpcode.evals.benchmarks.registry import find_benchmark

    benchmark = find_benchmark(task)
    if benchmark is None:
        return 1024, 0.0
    return benchmark.protocol.max_tokens, benchmark.protocol.temperature
