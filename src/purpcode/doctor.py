"""`purpcode doctor`: does each part work on this machine, and if not, how to get it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from purpcode.errors import PurpcodeError

State = Literal["works", "missing", "optional"]
MIN_FREE_GB = 6


@dataclass(frozen=True)
class Finding:
    """One examined part. `missing` parts stop the CPU recipe; `optional` ones do not."""

    part: str
    state: State
    detail: str


def examine() -> list[Finding]:
    """Examine every part, by using it where that is quick."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings.extend(check())
        except PurpcodeError as error:
            findings.append(Finding(check.__name__.lstrip("_"), "missing", str(error)))
        except Exception as error:  # a broken installation must not hide the other parts
            fault = f"{type(error).__name__}: {error}"
            findings.append(Finding(check.__name__.lstrip("_"), "missing", fault))
    return findings


def print_examination(*, as_json: bool) -> bool:
    """Print the examination; True when nothing the CPU recipe needs is missing."""
    findings = examine()
    healthy = all(finding.state != "missing" for finding in findings)
    if as_json:
        print(json.dumps({"healthy": healthy, "parts": [asdict(f) for f in findings]}, indent=2))
        return healthy
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"works": "green", "missing": "red", "optional": "yellow"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part", no_wrap=True)
    table.add_column("here")
    table.add_column("detail", overflow="fold")
    for finding in findings:
        shown = "not here" if finding.state == "optional" else finding.state
        table.add_row(finding.part, Text(shown, styles[finding.state]), Text(finding.detail))
    console = Console(highlight=False)
    console.print(table)
    verdict = "The CPU recipes run here." if healthy else "A part the CPU recipes need is missing."
    console.print(Text(verdict, style="bold"))
    return healthy


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    detail = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield Finding("machine", "works", f"{detail}, {cores} cores")
    import psutil

    total = psutil.virtual_memory().total / 2**30
    enough: State = "works" if total >= 7 else "missing"
    yield Finding("memory", enough, f"{total:.1f} GB; the quickstart takes up to 8")
    free = shutil.disk_usage(".").free / 2**30
    roomy: State = "works" if free >= MIN_FREE_GB else "missing"
    yield Finding("disk", roomy, f"{free:.0f} GB free here; a run takes up to {MIN_FREE_GB}")


def _training() -> Iterator[Finding]:
    import torch
    import transformers
    import trl

    from purpcode.models.local import fast_dtype

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    yield Finding("training", "works", f"{versions}, TRL {trl.__version__}")
    yield Finding("number format", "works", f"generation in {str(fast_dtype()).split('.')[-1]}")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Finding("GPU", "works", ", ".join(names))
    else:
        yield Finding("GPU", "optional", "no CUDA device; everything runs on the CPU")
    if importlib.util.find_spec("vllm"):
        yield Finding("vLLM", "works", "installed")
    else:
        yield Finding("vLLM", "optional", "for fast generation on GPUs: pip install vllm")


def _embedded_model() -> Iterator[Finding]:
    from purpcode.models.embedded import cache_dir, resolve_model

    yield (
        Finding("embedded/micro", "works", "shipped")
        if (resolve_model("embedded/micro") / "model.safetensors").exists()
        else Finding("embedded/micro", "missing", "reinstall purpcode")
    )
    ready = (cache_dir() / "smollm2-135m-instruct" / "complete").exists()
    where = str(cache_dir())
    detail = f"ready in {where}" if ready else f"fetched on first use (93 MB), into {where}"
    yield Finding("embedded/smollm2-135m", "works" if ready else "optional", detail)


def _analyzers() -> Iterator[Finding]:
    from purpcode.analyzers.registry import PROFILES, analyzer_report

    for name, available, detail in analyzer_report():
        lacking: State = "missing" if name in PROFILES["fast"] else "optional"
        yield Finding(f"analyzer {name}", "works" if available else lacking, detail)


def _sandbox() -> Iterator[Finding]:
    from purpcode.sandbox.registry import open_sandbox, sandbox_report

    for name, available, detail in sandbox_report():
        yield Finding(f"sandbox {name}", "works" if available else "optional", detail)
    yield Finding("sandbox", "works", f"auto chooses {open_sandbox('auto').name}")


def _judge() -> Iterator[Finding]:
    from purpcode.oracles.calibration import QUESTIONS, calibrate
    from purpcode.oracles.judge import open_judge
    from purpcode.oracles.settings import OracleSettings

    settings = OracleSettings()
    judge = open_judge(settings)
    for question in QUESTIONS:
        measured = calibrate(judge, question)
        fit: State = "works" if measured.kappa >= settings.judge_min_kappa else "missing"
        yield Finding(f"judge {judge.name}", fit, str(measured))


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _machine,
    _training,
    _embedded_model,
    _analyzers,
    _sandbox,
    _judge,
)
