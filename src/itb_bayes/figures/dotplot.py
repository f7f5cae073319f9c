"""A quantile dot plot: equally likely doses as stacked dots."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BLUE,
    INK,
    SMALL_PT,
    VERMILLION,
    blank_axes,
    name_axes,
    put_text,
)

Array = NDArray[np.float64]

WIDTH_INCHES = 3.5
HEIGHT_INCHES = 1.5
_BOX = (0.03, 0.24, 0.94, 0.62)
_WIDEST_DOT_PT = 13.0
_POINTS = 72.0


def draw_dotplot(dots_ug: Array, dose_now_ug: float, rise_ug: float) -> Figure:
    """Draw equally likely future doses, with the present dose and a threshold above it.

    Parameters
    ----------
    dots_ug : ndarray, shape (n_dot,)
        Equally likely doses (µg/day), increasing.
    dose_now_ug : float
        The dose at the last reading.
    rise_ug : float
        The threshold lies this much (µg/day) above it; dots above are filled, others open.
    """
    figure, axes = blank_axes(WIDTH_INCHES, HEIGHT_INCHES, _BOX)
    limit = dose_now_ug + rise_ug
    low = min(float(dots_ug[0]), dose_now_ug)
    high = max(float(dots_ug[-1]), limit)
    margin = 0.08 * (high - low)
    low, high = low - margin, high + margin
    width_pt = WIDTH_INCHES * _BOX[2] * _POINTS
    height_pt = HEIGHT_INCHES * _BOX[3] * _POINTS
    diameter_pt, x, rank = _largest_that_fits(dots_ug, (high - low) / width_pt, height_pt)
    above = dots_ug > limit
    size = (0.86 * diameter_pt) ** 2
    y = (rank + 0.5) * diameter_pt
    axes.scatter(x[~above], y[~above], s=size, facecolors="white", edgecolors=BLUE, linewidths=1.2)
    axes.scatter(x[above], y[above], s=size, facecolors=VERMILLION, edgecolors=VERMILLION)
    axes.set_xlim(low, high)
    axes.set_ylim(0.0, height_pt)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    _mark(axes, dose_now_ug, height_pt, "last dose", (0, (3, 2)))
    _mark(axes, limit, height_pt, f"+{rise_ug:g}", "solid")
    name_axes(axes, "dose in 12 months (µg/day)")
    return figure


def stack_dots(dots: Array, width: float) -> tuple[Array, NDArray[np.int64]]:
    """Stack dots that are closer than ``width`` (Wilkinson 1999, Am Stat 53:276).

    Parameters
    ----------
    dots : ndarray, shape (n_dot,)
        Increasing.
    width : float
        Diameter of a dot in the same unit.

    Returns
    -------
    x : ndarray, shape (n_dot,)
        Centre of each dot's stack.
    rank : ndarray of int64, shape (n_dot,)
        Height of each dot in its stack, from 0.
    """
    x = np.empty(dots.size)
    rank = np.empty(dots.size, dtype=np.int64)
    start = 0
    while start < dots.size:
        stop = start + int(np.searchsorted(dots[start:], dots[start] + width, side="left"))
        stop = max(stop, start + 1)
        x[start:stop] = (dots[start] + dots[stop - 1]) / 2.0
        rank[start:stop] = np.arange(stop - start)
        start = stop
    return x, rank


def _largest_that_fits(
    dots: Array, unit_per_pt: float, height_pt: float
) -> tuple[float, Array, NDArray[np.int64]]:
    diameter_pt = _WIDEST_DOT_PT
    while True:
        x, rank = stack_dots(dots, diameter_pt * unit_per_pt)
        if (rank.max() + 1) * diameter_pt <= height_pt or diameter_pt <= height_pt / dots.size:
            return diameter_pt, x, rank
        diameter_pt *= 0.94


def _mark(axes: Axes, dose_ug: float, height_pt: float, label: str, dash: object) -> None:
    axes.axvline(dose_ug, color=INK, linewidth=0.9, linestyle=dash, zorder=0)  # type: ignore[arg-type]
    put_text(
        axes, dose_ug, height_pt * 1.03, label, ha="center", va="bottom", fontsize=SMALL_PT,
        clip_on=False,
    )  # fmt: skip
