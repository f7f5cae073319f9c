"""Charts of distribution functions: PIT against its band, ranks by chain, traces."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BAND_OUTER,
    BLUE,
    FONT_PT,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    chart_style,
    name_axes,
    plain_text,
)

Array = NDArray[np.float64]

CHAIN_COLOURS = (INK, BLUE, VERMILLION, GREEN)
CHAIN_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True, eq=False)
class RankPanel:
    """Rank curves of one parameter.

    Attributes
    ----------
    label : str
    z, low, high : ndarray, shape (n_grid,)
        Grid and band, the diagonal subtracted.
    difference : ndarray, shape (n_chain, n_grid)
    """

    label: str
    z: Array
    low: Array
    high: Array
    difference: Array


def ecdf_figure(z: Array, difference: Array, low: Array, high: Array) -> Figure:
    """Draw an empirical distribution function minus the uniform one, with its band.

    Parameters
    ----------
    z, difference, low, high : ndarray, shape (n_grid,)
    """
    with chart_style():
        figure = Figure(figsize=(5.0, 2.3))
        axes = figure.add_axes((0.13, 0.19, 0.85, 0.78))
        _draw_band(axes, z, low, high)
        full = np.concatenate([[0.0], z, [1.0]])
        curve = np.concatenate([[0.0], difference, [0.0]])
        outside = (difference < low - 1e-12) | (difference > high + 1e-12)
        axes.plot(full, curve, color=INK, linewidth=1.2)
        axes.plot(z[outside], difference[outside], "o", color=VERMILLION, markersize=3.0)
        axes.set_xlim(0.0, 1.0)
        name_axes(axes, x="forecast probability of a lower value (PIT)", y="share minus uniform")
    return figure


def rank_figure(panels: list[RankPanel]) -> Figure:
    """Draw rank curves of all chains, one small panel per parameter."""
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    with chart_style():
        figure = Figure(figsize=(6.6, 0.4 + 1.15 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes, panel in zip(grid, panels, strict=False):
            _draw_band(axes, panel.z, panel.low, panel.high)
            for c, curve in enumerate(panel.difference):
                axes.plot(panel.z, curve, color=_colour(c), linestyle=_dash(c), linewidth=0.8)
            axes.set_title(plain_text(panel.label), parse_math=False, loc="left", fontsize=FONT_PT)
            axes.set_xlim(0.0, 1.0)
            axes.set_xticks([0.0, 0.5, 1.0])
        name_axes(grid[(lines - 1) * columns], x="rank among all draws")
    return figure


def trace_figure(label: str, draw: Array, values: Array) -> Figure:
    """Draw the trace of one parameter.

    Parameters
    ----------
    label : str
    draw : ndarray, shape (n_draw,)
    values : ndarray, shape (n_chain, n_draw)
        On the model scale.
    """
    n_chain = len(values)
    with chart_style():
        figure = Figure(figsize=(6.6, 0.45 + 0.55 * n_chain))
        height = 0.45 + 0.55 * n_chain
        grid = figure.subplots(n_chain, 1, sharex=True, sharey=True, squeeze=False).ravel()
        figure.subplots_adjust(left=0.1, right=0.9, top=0.98, bottom=0.38 / height, hspace=0.12)
        for c, axes in enumerate(grid):
            axes.plot(draw, values[c], color=_colour(c), linewidth=0.5)
            axes.set_xlim(float(draw[0]), float(draw[-1]))
            axes.text(1.01, 0.5, f"chain {c + 1}", transform=axes.transAxes, va="center")
        name_axes(grid[-1], x="draw")
        name_axes(grid[n_chain // 2], y=label)
    return figure


def _draw_band(axes: Axes, z: Array, low: Array, high: Array) -> None:
    axes.fill_between(z, low, high, color=BAND_OUTER, linewidth=0)
    axes.plot(z, low, color=BLUE, linewidth=0.8)
    axes.plot(z, high, color=BLUE, linewidth=0.8)
    axes.axhline(0.0, color=GREY, linewidth=0.6, linestyle=":")


def _colour(chain: int) -> str:
    return CHAIN_COLOURS[chain % len(CHAIN_COLOURS)]


def _dash(chain: int) -> str:
    return CHAIN_DASHES[(chain // len(CHAIN_COLOURS) + chain) % len(CHAIN_DASHES)]
