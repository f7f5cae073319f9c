"""Figures for papers, drawn from their source data alone: a table in, a figure out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from itb_bayes.figures.style import (
    BAND_INNER,
    BAND_OUTER,
    BLUE,
    GREY,
    INK,
    SMALL_PT,
    VERMILLION,
    name_axes,
    plain_text,
    put_text,
)

MM_PER_INCH = 25.4
WIDTHS_MM = {"single": 85.0, "double": 174.0}
"""Column widths that most journals share."""

QUANTILES = ("q05", "q25", "median", "q75", "q95")
_DOUBLINGS = 6.25 * 2.0 ** np.arange(0, 12)
_ROW_MM = 7.0
_FRAME_MM = 17.0


@dataclass(frozen=True)
class Canvas:
    """Size of a figure.

    Attributes
    ----------
    width_mm : float
    synthetic : bool
        Whether the data are simulated: the image then says so.
    """

    width_mm: float
    synthetic: bool

    def figure(self, height_mm: float) -> Figure:
        """Return an empty figure, labelled if its data are simulated."""
        size = (self.width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
        figure = Figure(figsize=size, layout="constrained")
        if self.synthetic:
            figure.suptitle(
                "SYNTHETIC DATA", fontsize=SMALL_PT, fontweight="bold", x=0.99, ha="right"
            )
        return figure


def interval_plot(table: pd.DataFrame, canvas: Canvas, label: str) -> Figure:
    """Draw medians with 50 and 90 % intervals, one row each.

    Parameters
    ----------
    table : DataFrame
        Columns ``group`` and :data:`QUANTILES`; optionally ``prior_low`` and ``prior_high``.
    canvas : Canvas
    label : str
        Of the horizontal axis, with its unit.
    """
    figure = canvas.figure(_FRAME_MM + _ROW_MM * len(table))
    axes = figure.add_subplot()
    y = np.arange(len(table))[::-1]
    if "prior_low" in table:
        axes.hlines(y - 0.25, table["prior_low"], table["prior_high"], color=GREY, linewidth=1.0,
                    linestyle=(0, (3, 2)), label="prior, 90 %")  # fmt: skip
    axes.hlines(y, table["q05"], table["q95"], color=BLUE, linewidth=1.2, label="90 %")
    axes.hlines(y, table["q25"], table["q75"], color=BLUE, linewidth=3.2, label="50 %")
    axes.plot(table["median"], y, "o", color=INK, markersize=4, label="median")
    axes.axvline(0.0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.set_yticks(y, [plain_text(str(group)) for group in table["group"]], parse_math=False)
    axes.set_ylim(-0.8, len(table) - 0.3)
    name_axes(axes, label)
    axes.legend(frameon=False, fontsize=SMALL_PT, loc="upper center", bbox_to_anchor=(0.5, -0.35),
                ncols=4 if canvas.width_mm > 100.0 else 2)  # fmt: skip
    return figure


def band_plot(table: pd.DataFrame, canvas: Canvas) -> Figure:
    """Draw centile bands of the dose, one panel per group, on axes of doublings.

    Parameters
    ----------
    table : DataFrame
        Columns ``group``, ``t_years`` and :data:`QUANTILES` (µg/day).
    canvas : Canvas
    """
    groups = list(dict.fromkeys(table["group"]))
    columns = min(len(groups), 3 if canvas.width_mm > 100.0 else 1)
    rows = -(-len(groups) // columns)
    figure = canvas.figure(12.0 + 48.0 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, group in zip(panels.flat, groups, strict=False):
        _band(axes, table[table["group"] == group])
        axes.set_title(plain_text(str(group)), fontsize=SMALL_PT, loc="left", parse_math=False)
    for axes in panels.flat[len(groups) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        name_axes(axes, y="dose (µg/day)")
    for axes in panels[-1]:
        name_axes(axes, "years since implant")
    return figure


def _band(axes: Axes, part: pd.DataFrame) -> None:
    t = part["t_years"].to_numpy()
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(list(_DOUBLINGS)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda dose, _: f"{dose:g}"))
    axes.fill_between(t, part["q05"], part["q95"], color=BAND_OUTER, linewidth=0)
    axes.fill_between(t, part["q25"], part["q75"], color=BAND_INNER, linewidth=0)
    dashes = ((0, (1, 1.6)), (0, (4, 2)), "solid", (0, (4, 2)), (0, (1, 1.6)))
    for name, dash in zip(QUANTILES, dashes, strict=True):
        axes.plot(t, part[name], color=BLUE, linewidth=0.9, linestyle=dash)


def ranked_plot(table: pd.DataFrame, canvas: Canvas, label: str) -> Figure:
    """Draw every patient's value with its range, ordered; nobody is named.

    Parameters
    ----------
    table : DataFrame
        Columns ``value``, ``low`` and ``high``, ordered by value.
    canvas : Canvas
    label : str
        Of the vertical axis, with its unit.
    """
    figure = canvas.figure(70.0)
    axes = figure.add_subplot()
    x = np.arange(1, len(table) + 1)
    axes.vlines(x, table["low"], table["high"], color=BLUE, linewidth=1.0)
    axes.plot(x, table["value"], "o", color=INK, markersize=2.6)
    axes.axhline(0.0, color=INK, linewidth=0.6, linestyle=(0, (1, 2)))
    name_axes(axes, "patients, ordered", label)
    return figure


def chances_plot(table: pd.DataFrame, canvas: Canvas) -> Figure:
    """Draw the chances of all patients as marks, one row per explanation.

    Parameters
    ----------
    table : DataFrame
        Columns ``explanation`` and ``in_100``; patients are not told apart.
    canvas : Canvas
    """
    names = list(dict.fromkeys(table["explanation"]))
    figure = canvas.figure(_FRAME_MM + _ROW_MM * len(names))
    axes = figure.add_subplot()
    for k, name in enumerate(reversed(names)):
        own = table.loc[table["explanation"] == name, "in_100"].to_numpy()
        axes.plot(own, np.full(own.size, k), "|", color=BLUE, markersize=9, markeredgewidth=0.9)
        axes.plot(own.mean(), k, "D", color=VERMILLION, markersize=4.5)
        mean = f"{own.mean():.0f}" if own.mean() >= 1.0 else "<1"
        put_text(axes, 101.5, k, mean, va="center", fontsize=SMALL_PT, clip_on=False)
    axes.set_yticks(range(len(names)), [plain_text(name) for name in reversed(names)])
    axes.set_xlim(-1.0, 100.0)
    axes.set_ylim(-0.7, len(names) - 0.3)
    name_axes(axes, "chance in 100, present now (line: a patient; diamond and number: mean)")
    return figure
