"""Charts of predictive checks: statistics against their intervals, and dose bands by year."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BAND_INNER,
    BAND_OUTER,
    BLUE,
    FONT_PT,
    GREY,
    INK,
    VERMILLION,
    chart_style,
    name_axes,
    plain_text,
)

Array = NDArray[np.float64]

LONGEST_ERROR = 3.0
"""Observed statistics farther out are drawn at the edge, as arrow heads."""


def interval_figure(
    labels: list[str], observed: Array, low: Array, median: Array, high: Array, judged: list[bool]
) -> Figure:
    """Draw each observed statistic against its 90 % predictive interval.

    Every row has its own scale: the median is 0 and the interval reaches from -1 to 1 (half
    widths of each side), so that statistics with different units share one axis.

    Parameters
    ----------
    labels : list of str
    observed, low, median, high : ndarray, shape (n_statistic,)
    judged : list of bool
        Open marks where false.
    """
    n = len(labels)
    away = observed - median
    width = np.where(away >= 0, high - median, median - low)
    place = np.full(n, np.inf)
    np.divide(np.abs(away), width, out=place, where=width > 0)
    place = np.where(away == 0, 0.0, np.copysign(place, away))
    shown = np.clip(place, -LONGEST_ERROR, LONGEST_ERROR)
    with chart_style():
        figure = Figure(figsize=(6.6, 0.7 + 0.2 * n))
        bottom = 0.5 / (0.7 + 0.2 * n)
        axes = figure.add_axes((0.46, bottom, 0.52, 0.97 - bottom))
        rows = np.arange(n)[::-1]
        axes.hlines(rows, -1.0, 1.0, color=BLUE, linewidth=2.0)
        axes.vlines(0.0, -0.6, n - 0.4, color=GREY, linewidth=0.6, linestyle=":")
        for row, x, exact, solid in zip(rows, shown, place, judged, strict=True):
            mark = "o" if x == exact else (">" if exact > 0 else "<")
            inside = abs(exact) <= 1.0
            colour = INK if inside or not solid else VERMILLION
            axes.plot(x, row, mark, color=colour, fillstyle="full" if solid else "none", ms=4.5)
        axes.set_yticks(rows, [plain_text(label) for label in labels], parse_math=False)
        axes.set_xlim(-LONGEST_ERROR - 0.2, LONGEST_ERROR + 0.2)
        axes.set_ylim(-0.6, n - 0.4)
        axes.set_xticks([-3, -2, -1, 0, 1, 2, 3])
        name_axes(axes, x="observed, in half widths of the 90 % predictive interval (line)")
    return figure


@dataclass(frozen=True, eq=False)
class YearBands:
    """Predictive quantiles by year of one group.

    Attributes
    ----------
    label : str
    year : ndarray, shape (n_year,)
    quantiles : ndarray, shape (5, n_year)
        5, 25, 50, 75 and 95 %, µg/day.
    observed : ndarray, shape (3, n_year) or None
        Observed quartiles and median, µg/day.
    """

    label: str
    year: Array
    quantiles: Array
    observed: Array | None = None


def dose_band_figure(groups: list[YearBands], bounds: tuple[float, float] | None = None) -> Figure:
    """Draw predictive bands of the dose by year, one panel per group.

    Parameters
    ----------
    groups : list of YearBands
    bounds : tuple of float, optional
        Plausible doses (µg/day), as dashed lines.
    """
    columns = min(3, len(groups))
    lines = -(-len(groups) // columns)
    with chart_style():
        figure = Figure(figsize=(6.6, 0.45 + 1.95 * lines), layout="constrained")
        panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel in panels[len(groups) :]:
            panel.set_visible(False)
        for axes, group in zip(panels, groups, strict=False):
            q = np.clip(group.quantiles, 1e-3, 1e7)
            axes.fill_between(group.year, q[0], q[4], color=BAND_OUTER, linewidth=0)
            axes.fill_between(group.year, q[1], q[3], color=BAND_INNER, linewidth=0)
            for edge, style in ((0, "--"), (1, "-"), (3, "-"), (4, "--")):
                axes.plot(group.year, q[edge], style, color=BLUE, linewidth=0.7)
            axes.plot(group.year, q[2], color=BLUE, linewidth=1.6)
            if group.observed is not None:
                low, middle, high = group.observed
                axes.vlines(group.year, low, high, color=INK, linewidth=1.0)
                axes.plot(group.year, middle, "o", color=INK, markersize=3.0)
            for bound in bounds or ():
                axes.axhline(bound, color=VERMILLION, linewidth=1.0, linestyle="-.")
            axes.set_yscale("log")
            axes.set_yticks([10, 30, 100, 300, 1000, 3000], minor=False)
            axes.set_yticklabels(["10", "30", "100", "300", "1,000", "3,000"])
            axes.minorticks_off()
            axes.set_title(plain_text(group.label), parse_math=False, loc="left", fontsize=FONT_PT)
            name_axes(axes, x="years since implant")
        name_axes(panels[0], y="daily dose (µg/day)")
    return figure
