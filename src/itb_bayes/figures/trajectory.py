"""The dose history of one patient over centile bands, with a forecast fan: a growth chart."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BAND_INNER,
    BAND_OUTER,
    FAN_INNER,
    FAN_OUTER,
    GREY,
    INK,
    SMALL_PT,
    VERMILLION,
    blank_axes,
    name_axes,
    put_text,
)

Array = NDArray[np.float64]

WIDTH_INCHES = 7.16
HEIGHT_INCHES = 2.45
_BOX = (0.07, 0.155, 0.855, 0.79)
_DOUBLINGS = 6.25 * 2.0 ** np.arange(0, 12)
_CENTILES = ("5th", "25th", "median", "75th", "95th")


@dataclass(frozen=True)
class Band:
    """Five quantiles (5, 25, 50, 75, 95 %) of the dose over time.

    Attributes
    ----------
    t_years : ndarray, shape (n_time,)
        Years since implant, increasing.
    dose_ug : ndarray, shape (5, n_time)
        Daily dose (µg/day).
    """

    t_years: Array
    dose_ug: Array


def draw_trajectory(
    t_years: Array,
    dose_ug: Array,
    reference: Band | None,
    forecast: Band | None,
    end_years: float,
) -> Figure:
    """Draw recorded doses as steps over a reference band, with a forecast fan.

    Parameters
    ----------
    t_years, dose_ug : ndarray, shape (n_reading,)
        Recorded doses; each holds until the next.
    reference : Band or None
        Centiles of the patients compared with.
    forecast : Band or None
        Quantiles of the future dose; starts at the last reading.
    end_years : float
        Right end of the time axis.
    """
    figure, axes = blank_axes(WIDTH_INCHES, HEIGHT_INCHES, _BOX)
    seen = [dose_ug]
    if reference is not None:
        reference = _clip(reference, end_years)
        _draw_reference(axes, reference, end_years)
        seen.append(reference.dose_ug.ravel())
    if forecast is not None:
        _draw_fan(axes, forecast)
        seen.append(forecast.dose_ug.ravel())
    axes.step(t_years, dose_ug, where="post", color=INK, linewidth=1.5, zorder=5)
    axes.plot(
        t_years, dose_ug, linestyle="none", marker="o", markersize=2.6, color=INK, zorder=6
    )
    _scale(axes, np.concatenate(seen), end_years)
    return figure


def _clip(band: Band, end_years: float) -> Band:
    inside = band.t_years <= end_years + 1e-9
    return Band(band.t_years[inside], band.dose_ug[:, inside])


def _draw_reference(axes: Axes, band: Band, end_years: float) -> None:
    t, dose = band.t_years, band.dose_ug
    axes.fill_between(t, dose[0], dose[4], color=BAND_OUTER, linewidth=0, zorder=1)
    axes.fill_between(t, dose[1], dose[3], color=BAND_INNER, linewidth=0, zorder=1)
    dashes = [(0, (1, 1.6)), (0, (4, 2)), "solid", (0, (4, 2)), (0, (1, 1.6))]
    for row, dash, name in zip(dose, dashes, _CENTILES, strict=True):
        width = 1.0 if name == "median" else 0.7
        axes.plot(t, row, color=GREY, linewidth=width, linestyle=dash, zorder=2)
        put_text(
            axes, end_years, float(row[-1]), f" {name}", va="center", ha="left",
            fontsize=SMALL_PT, color="#444444", clip_on=False,
        )  # fmt: skip


def _draw_fan(axes: Axes, band: Band) -> None:
    t, dose = band.t_years, band.dose_ug
    axes.fill_between(t, dose[0], dose[4], color=FAN_OUTER, linewidth=0, zorder=3)
    axes.fill_between(t, dose[1], dose[3], color=FAN_INNER, linewidth=0, zorder=3)
    for row, dash in zip(dose, ("solid", "solid", (0, (1.5, 1)), "solid", "solid"), strict=True):
        axes.plot(t, row, color=VERMILLION, linewidth=0.8, linestyle=dash, zorder=4)
    axes.axvline(float(t[0]), color=INK, linewidth=0.6, linestyle=(0, (3, 2)), zorder=2)


def _scale(axes: Axes, doses: Array, end_years: float) -> None:
    """Log dose axis whose grid lines are doublings; time axis from implant."""
    low, high = float(doses.min()) / 1.12, float(doses.max()) * 1.12
    if high / low < 4.0:
        middle = np.sqrt(low * high)
        low, high = middle / 2.0, middle * 2.0
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(list(_DOUBLINGS)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda dose, _: f"{dose:g}"))
    axes.set_xlim(0.0, end_years)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    axes.grid(axis="y", color="#D0D0D0", linewidth=0.4, zorder=0)
    axes.set_axisbelow(True)
    name_axes(axes, "years since implant", "dose (µg/day)")
