import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.reports.charts import HEIGHT, MAX_POINTS, WIDTH, short_number, training_charts
from purpcode.reports.run_folder import MetricsRow


def rows(values, key="loss"):
    return [MetricsRow.model_validate({"step": i, key: value}) for i, value in enumerate(values)]


def test_an_unmeasured_step_breaks_the_curve_and_is_counted():
    (chart,) = training_charts({"rl": rows([0.1, 0.2, None, 0.4, 0.5], "reward")})
    assert len(chart.lines[0].stretches) == 2
    assert len(chart.lines[0].dots) == 4
    assert chart.notes == ("reward: 1 of 5 steps unmeasured, left as gaps",)


def test_a_figure_nobody_measured_has_no_chart():
    assert training_charts({"sft": rows([None, None]), "rl": []}) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.4", True, 10**400])
def test_what_is_not_a_drawable_number_is_unmeasured(value):
    assert MetricsRow.model_validate({"step": 1, "loss": value}).figure("loss") is None


def test_rewards_are_drawn_on_their_whole_range():
    (chart,) = training_charts({"rl": rows([0.4, 0.5], "reward")})
    assert [tick.label for tick in chart.y_ticks][:: len(chart.y_ticks) - 1] == ["0", "1"]


def test_long_curves_are_thinned_and_say_so():
    (chart,) = training_charts({"sft": rows([1.0] * (3 * MAX_POINTS))})
    assert len(chart.lines[0].dots) == MAX_POINTS
    assert "mean of up to 3" in chart.notes[0]


@given(st.lists(st.none() | st.floats(-1e90, 1e90), min_size=1, max_size=30))
def test_any_curve_stays_inside_its_frame(values):
    charts = training_charts({"sft": rows(values)})
    assert bool(charts) == any(value is not None for value in values)
    for chart in charts:
        assert 2 <= len(chart.y_ticks) <= 8
        for line in chart.lines:
            assert len(line.dots) == sum(value is not None for value in values)
            for dot in line.dots:
                assert 0 <= dot.x <= WIDTH
                assert 0 <= dot.y <= HEIGHT
                assert math.isfinite(dot.x + dot.y)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.25, "0.25"), (2.04912, "2.049"), (12345.6, "12,346"), (0.00002, "2.0e-05")],
)
def test_numbers_are_short(value, text):
    assert short_number(value) == text
