"""A quantile dot plot: equally likely doses as stacked dots."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
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
HEIGHT_INCHES = 1.36
_BOX = (0.03, 0.28, 0.94, 0.59)
_WIDEST_DOT_PT = 13.0
_POINTS = 72.0


class DotplotChart:
    """A dot plot whose axes are laid once and used for many patients.

    Parameters
    ----------
    x_label : str
        Name of the dose axis.
    """

    def __init__(self, x_label: str) -> None:
        self._figure, self._axes = blank_axes(WIDTH_INCHES, HEIGHT_INCHES, _BOX)
        self._patient: list[Artist] = []
        self._axes.set_yticks([])
        self._axes.spines["left"].set_visible(False)
        self._axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
        name_axes(self._axes, x_label)

    def draw(self, dots_ug: Array, dose_now_ug: float, rise_ug: float) -> Figure:
        """Draw equally likely future doses, with the last dose and a threshold above it.

        Parameters
        ----------
        dots_ug : ndarray, shape (n_dot,)
            Equally likely doses (µg/day), increasing.
        dose_now_ug : float
            The dose at the last reading.
        rise_ug : float
            The threshold lies this much (µg/day) above it; dots above are filled, others open.

        Returns
        -------
        Figure
            Valid until the next call.
        """
        for artist in self._patient:
            artist.remove()
        axes = self._axes
        before = set(axes.get_children())
        limit = dose_now_ug + rise_ug
        low = min(float(dots_ug[0]), dose_now_ug)
        high = max(float(dots_ug[-1]), limit)
        margin = 0.08 * (high - low)
        low, high = low - margin, high + margin
        height_pt = HEIGHT_INCHES * _BOX[3] * _POINTS
        unit_per_pt = (high - low) / (WIDTH_INCHES * _BOX[2] * _POINTS)
        above = dots_ug > limit
        diameter_pt, x, rank = _largest_that_fits(dots_ug, above, limit, unit_per_pt, height_pt)
        y = (rank + 0.5) * diameter_pt
        size = (0.84 * diameter_pt) ** 2
        for chosen, fill, edge in ((~above, "white", BLUE), (above, VERMILLION, VERMILLION)):
            axes.scatter(
                x[chosen], y[chosen], s=size, facecolors=fill, edgecolors=edge, linewidths=1.1,
                zorder=3,
            )  # fmt: skip
        axes.set_xlim(low, high)
        axes.set_ylim(0.0, height_pt)
        _mark(axes, dose_now_ug, height_pt, "last dose ", "right", (0, (3, 2)))
        _mark(axes, limit, height_pt, f" {rise_ug:g} above", "left", "solid")
        self._patient = [artist for artist in axes.get_children() if artist not in before]
        return self._figure


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
    dots: Array, above: NDArray[np.bool_], limit: float, unit_per_pt: float, height_pt: float
) -> tuple[float, Array, NDArray[np.int64]]:
    """Return the largest diameter whose stacks fit, with the place of every dot."""
    diameter_pt = _WIDEST_DOT_PT
    while True:
        width = diameter_pt * unit_per_pt
        down, down_rank = stack_dots(-dots[~above][::-1], width)
        up, up_rank = stack_dots(dots[above], width)
        x = np.concatenate([-_spread(down, -limit, width)[::-1], _spread(up, limit, width)])
        rank = np.concatenate([down_rank[::-1], up_rank])
        if (rank.max() + 1) * diameter_pt <= height_pt or diameter_pt <= height_pt / dots.size:
            return diameter_pt, x, rank
        diameter_pt *= 0.94


def _spread(x: Array, edge: float, width: float) -> Array:
    """Move stacks outwards, by less than a dot, so that none overlaps another or the edge."""
    moved = x.copy()
    least = edge + width / 2.0
    for k in range(x.size):
        if k and x[k] == x[k - 1]:
            moved[k] = moved[k - 1]
            continue
        moved[k] = max(x[k], least)
        least = moved[k] + width
    return moved


def _mark(axes: Axes, dose_ug: float, height_pt: float, label: str, side: str, dash: Any) -> None:
    axes.axvline(dose_ug, color=INK, linewidth=0.9, linestyle=dash, zorder=0)
    put_text(
        axes, dose_ug, height_pt * 1.03, label, ha=side, va="bottom", fontsize=SMALL_PT,
        clip_on=False,
    )  # fmt: skip
