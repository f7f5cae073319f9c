"""The charts of checks draw what they are given."""

import numpy as np
import pytest

from itb_bayes.figures.check_curves import RankPanel, ecdf_figure, rank_figure, trace_figure
from itb_bayes.figures.check_learning import learning_figure
from itb_bayes.figures.check_predictive import YearBands, dose_band_figure, interval_figure
from itb_bayes.figures.svg import inline_svg

Z = np.array([0.25, 0.5, 0.75])


def test_intervals_place_observed_values_on_one_scale() -> None:
    figure = interval_figure(
        ["inside", "far", "no width", "NaN $x$"],
        observed=np.array([11.0, 500.0, 1.0, 2.0]),
        low=np.array([8.0, 8.0, 0.0, 2.0]),
        median=np.array([10.0, 10.0, 0.0, 2.0]),
        high=np.array([12.0, 12.0, 0.0, 2.0]),
        judged=[True, True, False, True],
    )
    axes = figure.axes[0]
    marks = [(float(line.get_xdata()[0]), line.get_marker()) for line in axes.lines]
    assert marks == [(0.5, "o"), (3.0, ">"), (3.0, ">"), (0.0, "o")]
    assert axes.lines[2].get_fillstyle() == "none"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "inside", "far", "no width", "NaN $x$",
    ]  # fmt: skip


@pytest.mark.parametrize("n_group", [1, 2, 5])
def test_bands_have_one_panel_per_group(n_group: int) -> None:
    quantiles = np.outer([20.0, 50.0, 100.0, 200.0, 900.0], [1.0, 1.1])
    observed = np.outer([60.0, 110.0, 190.0], [1.0, 1.0])
    groups = [YearBands(f"G{k}", np.array([1.0, 2.0]), quantiles, observed) for k in range(n_group)]
    figure = dose_band_figure(groups, bounds=(10.0, 2000.0))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == [f"G{k}" for k in range(n_group)]
    heights = {float(line.get_ydata()[0]) for line in shown[0].lines}
    assert {10.0, 2000.0, 100.0, 110.0} <= heights


def test_ecdf_marks_points_outside() -> None:
    figure = ecdf_figure(Z, np.array([0.0, 0.3, 0.1]), np.full(3, -0.2), np.full(3, 0.2))
    marked = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(marked[0].get_xdata(), [0.5])


def test_ranks_have_one_panel_per_parameter_and_one_line_per_chain() -> None:
    curves = np.zeros((6, 3))
    panels = [RankPanel(f"p{k}", Z, np.full(3, -0.1), np.full(3, 0.1), curves) for k in range(5)]
    figure = rank_figure(panels)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 5
    assert len(shown[0].lines) == 3 + 6
    looks = {(line.get_color(), line.get_linestyle()) for line in shown[0].lines[3:]}
    assert len(looks) == 6


def test_trace_has_one_panel_per_chain() -> None:
    figure = trace_figure("level[MS]", np.arange(1.0, 6.0), np.arange(15.0).reshape(3, 5))
    assert len(figure.axes) == 3
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), np.arange(10.0, 15.0))


def test_learning_places_posteriors_within_priors() -> None:
    figure = learning_figure(
        ["a", "b"], np.array([0.1, 0.4]), np.array([0.2, 0.5]), np.array([0.3, 0.6])
    )
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0.2, 0.5])
    assert axes.get_xlim() == (0.0, 1.0)


def test_same_figure_same_bytes() -> None:
    def svg() -> str:
        figure = ecdf_figure(Z, np.zeros(3), np.full(3, -0.2), np.full(3, 0.2))
        return inline_svg(figure, "pit", "A curve inside its band.", "As drawn.")

    assert svg() == svg()
    assert "Date" not in svg()
