"""Training curves as plain geometry: the template only places what is computed here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from purpcode.reports.run_folder import MetricsRow

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 34
MAX_POINTS = 240
"""A longer curve is drawn as means over equally long stretches of steps, and says so."""

Point = tuple[float, float]
Placer = Callable[[float, float], Point]


@dataclass(frozen=True)
class Plan:
    """Which figures of which stage make a chart."""

    stage: str
    title: str
    unit: str
    series: tuple[tuple[str, str], ...]
    """(key in the metrics, name in the legend)."""
    domain: tuple[float, float] | None = None
    """A fixed vertical range, where the figure has one."""


PLANS = (
    Plan("sft", "Rule learning: loss", "nats per token", (("loss", "loss"),)),
    Plan("rl", "RL: mean reward", "reward, 0 to 1", (("reward", "reward"),), (0.0, 1.0)),
    Plan(
        "rl",
        "RL: learnable groups",
        "share of drawn prompts",
        (("learnable_fraction", "learnable"),),
        (0.0, 1.0),
    ),
    Plan("rl", "RL: prompts drawn and kept", "prompts", (("drawn", "drawn"), ("kept", "kept"))),
    Plan("rl", "RL: loss", "loss", (("loss", "loss"),)),
    Plan("rl", "RL: distance from the reference", "KL, nats per token", (("kl", "KL"),)),
    Plan(
        "rl", "RL: tokens sampled", "completion tokens a step", (("completion_tokens", "tokens"),)
    ),
)


@dataclass(frozen=True)
class Dot:
    """A measured point, with the words its tooltip shows."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Line:
    """One series: SVG `points` of each unbroken stretch, and its dots."""

    name: str
    stretches: tuple[str, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart ready to place. `summary` says in words what the curve does."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    summary: str
    notes: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def training_charts(metrics: Mapping[str, Sequence[MetricsRow]]) -> list[Chart]:
    """The charts that have at least one measured point, in the order of `PLANS`."""
    charts = [_chart(plan, metrics.get(plan.stage, ())) for plan in PLANS]
    return [chart for chart in charts if chart is not None]


def _chart(plan: Plan, rows: Sequence[MetricsRow]) -> Chart | None:
    series = {name: [(row.step, row.figure(key)) for row in rows] for key, name in plan.series}
    values = [value for points in series.values() for _, value in points if value is not None]
    if not values:
        return None
    y_low, y_high, y_marks = _axis(*(plan.domain or (min(values), max(values))), *values)
    steps = [row.step for row in rows]
    first, last = min(steps), max(steps)
    x_span, y_span = max(last - first, 1), y_high - y_low

    def place(step: float, value: float) -> Point:
        x = LEFT + (WIDTH - LEFT - RIGHT) * ((step - first) / x_span if last > first else 0.5)
        return round(x, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (y_high - value) / y_span, 1)

    notes = []
    lines = []
    for name, points in series.items():
        unmeasured = sum(value is None for _, value in points)
        if unmeasured:
            notes.append(f"{name}: {unmeasured} of {len(points)} steps unmeasured, left as gaps")
        stretch = math.ceil(len(points) / MAX_POINTS)
        if stretch > 1:
            notes.append(f"{name}: each point is the mean of up to {stretch} logged steps")
        lines.append(_line(name, _thinned(points, stretch), place))
    x_marks = dict.fromkeys((first, (first + last) // 2, last))
    return Chart(
        title=plan.title,
        unit=plan.unit,
        lines=tuple(lines),
        x_ticks=tuple(Tick(place(mark, y_low)[0], str(mark)) for mark in x_marks),
        y_ticks=tuple(Tick(place(first, mark)[1], short_number(mark)) for mark in y_marks),
        summary=_summary(series),
        notes=tuple(notes),
    )


def _thinned(
    points: list[tuple[int, float | None]], stretch: int
) -> list[tuple[float, float | None]]:
    thinned: list[tuple[float, float | None]] = []
    for start in range(0, len(points), stretch):
        chunk = points[start : start + stretch]
        values = [value for _, value in chunk if value is not None]
        step = sum(step for step, _ in chunk) / len(chunk)
        thinned.append((step, sum(values) / len(values) if values else None))
    return thinned


def _line(name: str, points: Sequence[tuple[float, float | None]], place: Placer) -> Line:
    stretches: list[list[Point]] = [[]]
    dots = []
    for step, value in points:
        if value is None:
            stretches.append([])
            continue
        x, y = place(step, value)
        stretches[-1].append((x, y))
        dots.append(Dot(x, y, f"step {step:g}: {name} {short_number(value)}"))
    drawn = (" ".join(f"{x},{y}" for x, y in stretch) for stretch in stretches if len(stretch) > 1)
    return Line(name, tuple(drawn), tuple(dots))


def _summary(series: Mapping[str, Sequence[tuple[int, float | None]]]) -> str:
    parts = []
    for name, points in series.items():
        measured = [value for _, value in points if value is not None]
        if measured:
            first, last = short_number(measured[0]), short_number(measured[-1])
            parts.append(f"{name} {first} at the first step, {last} at the last")
    return "; ".join(parts)


def _axis(low: float, high: float, *values: float) -> tuple[float, float, list[float]]:
    """A range that holds all values, and 3 to 6 round marks on it, its ends included."""
    low, high = min(low, *values), max(high, *values)
    if high - low < 1e-12 * max(1.0, abs(high)):
        margin = abs(high) / 2 or 1.0
        low, high = low - margin, high + margin
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = [mark * step for mark in range(start, end + 1)]
    return marks[0], marks[-1], marks


def short_number(value: float) -> str:
    """At most four significant digits, without an exponent where that reads better."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:.1e}"
