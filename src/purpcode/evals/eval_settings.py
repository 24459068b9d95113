"""What to evaluate, how to ask and how to judge: one evaluation's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from purpcode.evals.results import Prices
from purpcode.models.model import Sampling
from purpcode.oracles.settings import OracleSettings


class EvalSettings(BaseModel):
    """What to evaluate, how to ask and how to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    """Benchmark, by its short or published name."""
    model: str
    """Any model name the models room opens."""
    data: Path | None = None
    """The rows: for the quick suite a JSONL file of samples (unset: built from the package's own
    seeds); for a benchmark a data file or the upstream project's checkout (unset: the folder that
    PURPCODE_DATA_DIR names, else the Hub)."""
    allow_partial: bool = False
    """Go on with rows that are not the whole benchmark; header and tables then say so."""
    limit: int | None = Field(None, ge=1)
    """Ask only the first so many samples."""
    sample_ids: tuple[str, ...] = ()
    """Ask only these samples."""
    draws: int = Field(1, ge=1)
    """Completions per prompt; from 2 on, pass@k is reported."""
    oracle: str | None = None
    """Oracles in place of the benchmark's own, and static analyzers, separated by commas."""
    purplellama_path: Path | None = None
    """Checkout of PurpleLlama: data and refusal phrases of CyberSecEval."""
    cweval_path: Path | None = None
    """Checkout of CWEval: its tasks and tests."""
    folder: Path | None = None
    """Where results go; unset means results/<benchmark>/<label>."""
    label: str | None = None
    """Short name of the model in tables and folders; unset means the model name's last part."""
    sampling: Sampling = Sampling(max_tokens=1024)
    batch_size: int = Field(64, ge=1)
    """Prompts asked together."""
    backend: str | None = None
    """What runs the model: hf, vllm, openai or bedrock; unset lets the model's name decide."""
    tensor_parallel: int = Field(1, ge=1)
    """GPUs a vLLM model is spread over."""
    cache: bool = False
    """Keep a service's answers on disk and repeat them instead of asking again."""
    base_url: str | None = None
    """Where the model's service listens, when not at its provider's own address."""
    system_prompt: bool = False
    """Put the reminder of the safety guidelines before prompts without a system message."""
    trim_thinking: bool = True
    """Reduce earlier assistant turns to their answers."""
    transform_conversation: Path | None = None
    """Python file of yours; its `transform_conversation(row)` rewrites each row's messages."""
    oracles: OracleSettings = OracleSettings()
    prices: Prices = Prices()
    """What tokens cost; unset says nothing of money."""
