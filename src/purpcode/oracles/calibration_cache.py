"""Calibrations of model judges, kept in the user's cache folder between runs.

The key is everything that makes a judgement: the judge's name as given, its endpoint, its
fingerprint (prompts, decoding, attempts, a model folder's weights), the question, and the labelled
conversations. A service can put another model behind a name, so nothing older than `MAX_AGE` is
used, and a calibration that left anything unjudged is never kept.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from purpcode.errors import PurpcodeError
from purpcode.oracles.calibration import Calibration, calibration_set
from purpcode.oracles.judge import Judge
from purpcode.oracles.model_judge import ModelJudge
from purpcode.oracles.oracle import digest
from purpcode.oracles.source_digest import source_digest
from purpcode.records import write_text_atomic

MAX_AGE = timedelta(days=7)
_READERS = (
    "purpcode.oracles.model_judge",
    "purpcode.oracles.calibration",
    "purpcode.oracles.kappa",
)
_LOG = logging.getLogger(__name__)


class _Kept(BaseModel):
    """A kept calibration, beside what it is of, for people who read the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    endpoint: str
    calibration: Calibration


def kept_calibration(
    judge: Judge, question: str, min_kappa: float | None = None
) -> Calibration | None:
    """What was measured of this very judge within `MAX_AGE`, with its time; None otherwise.

    One that ended early says enough only where as much or more than then (`min_kappa`) is needed.
    """
    path = _path(judge, question)
    if path is None:
        return None
    try:
        kept = _Kept.model_validate_json(path.read_text(encoding="utf-8")).calibration
    except (OSError, ValueError, ValidationError):
        return None
    if kept.measured_at is None or not _is_recent(kept.measured_at) or kept.question != question:
        return None
    ended = kept.short_of is not None or kept.left_out > 0
    if ended and (min_kappa is None or kept.short_of is None or min_kappa < kept.short_of):
        return None
    return kept


def keep_calibration(judge: Judge, calibration: Calibration) -> None:
    """Keep a calibration that is complete, of a judge whose name says which model it is.

    A cache that cannot be written costs calls, not correctness: it is logged, and no error.
    """
    path = _path(judge, calibration.question)
    if path is None or calibration.unmeasured or not calibration.n:
        return
    timed = calibration.model_copy(update={"measured_at": datetime.now(UTC)})
    assert isinstance(judge, ModelJudge)
    kept = _Kept(judge=judge.name, endpoint=judge.endpoint() or "", calibration=timed)
    try:
        write_text_atomic(path, kept.model_dump_json(indent=2) + "\n")
    except PurpcodeError as error:
        _LOG.warning("the judge's calibration was not kept: %s", error.message)


def _is_recent(measured_at: datetime) -> bool:
    if measured_at.tzinfo is None:
        return False
    return timedelta(0) <= datetime.now(UTC) - measured_at <= MAX_AGE


def _path(judge: Judge, question: str) -> Path | None:
    """The file of a judge's calibration; None where it must be measured each time."""
    if not isinstance(judge, ModelJudge):
        return None
    try:
        endpoint = judge.endpoint()
    except PurpcodeError:
        return None
    if endpoint is None:
        return None
    from purpcode.models.embedded import cache_dir

    rows = [row.model_dump() for row in calibration_set()]
    code = source_digest(*_READERS)
    key = digest(judge.name, endpoint, judge.fingerprint(), question, rows, code)
    return cache_dir() / "calibrations" / f"{key}.json"
