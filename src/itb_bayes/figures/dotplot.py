"""A quantile dot plot: equally likely doses as stacked dots."""

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
_EM_PER_LETTER = 0.6
"""Of the widest font that a page is likely to take, DejaVu Sans."""
_GAP_PT = 2.5
_APART_PT = 6.0


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
        axes.axvline(dose_now_ug, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=0)
        axes.axvline(limit, color=INK, linewidth=0.9, zorder=0)
        _name_lines(axes, ("last dose", dose_now_ug), (f"{rise_ug:g} above", limit), unit_per_pt)
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


def _name_lines(
    axes: Axes, left: tuple[str, float], right: tuple[str, float], unit_per_pt: float
) -> None:
    """Name two lines above the plot; the names stay in the drawing and apart."""
    low, height_pt = axes.get_xlim()[0], axes.get_ylim()[1]
    edge_pt = WIDTH_INCHES * _BOX[0] * _POINTS
    first, second = (
        (edge_pt + (dose - low) / unit_per_pt, _EM_PER_LETTER * SMALL_PT * len(name))
        for name, dose in (left, right)
    )
    places = place_names(first, second, room_pt=WIDTH_INCHES * _POINTS)
    for (name, _), (place_pt, side) in zip((left, right), places, strict=True):
        x = low + (place_pt - edge_pt) * unit_per_pt
        put_text(
            axes, x, height_pt * 1.03, name, ha=side, va="bottom", fontsize=SMALL_PT,
            clip_on=False,
        )  # fmt: skip


def place_names(
    left: tuple[float, float], right: tuple[float, float], room_pt: float
) -> tuple[tuple[float, str], tuple[float, str]]:
    """Return where the names of two lines stand, and which of their ends stands there.

    The left name ends at its line and the right one begins at its line. One that has no room there
    stands at the edge of the drawing, and moves the other aside if it must.

    Parameters
    ----------
    left, right : tuple of float
        Place of the line (points from the left edge of the drawing) and width of its name.
    room_pt : float
        Width of the drawing.
    """
    (left_pt, left_width_pt), (right_pt, right_width_pt) = left, right
    end, start = left_pt - _GAP_PT, right_pt + _GAP_PT
    left_at_edge, right_at_edge = end < left_width_pt, start + right_width_pt > room_pt
    if left_at_edge:
        start = max(start, left_width_pt + _APART_PT)
    if right_at_edge:
        end = min(end, room_pt - right_width_pt - _APART_PT)
    return (
        (0.0, "left") if left_at_edge else (end, "right"),
        (room_pt, "right") if right_at_edge else (start, "left"),
    )
