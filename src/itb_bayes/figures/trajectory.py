"""The dose history of one patient over centile bands, with a forecast fan: a growth chart."""

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BAND_INNER,
    BAND_OUTER,
    FAN_INNER,
    FAN_OUTER,
    GREEN,
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
HEIGHT_INCHES = 2.1
MOST_DOTS = 30
"""Records of more readings are drawn as a line without dots."""

_BOX = (0.078, 0.17, 0.86, 0.80)
_DOUBLINGS = 6.25 * 2.0 ** np.arange(0, 12)
_CENTILES = ("5th", "25th", "median", "75th", "95th")
_DASHES = ((0, (1, 1.6)), (0, (4, 2)), "solid", (0, (4, 2)), (0, (1, 1.6)))


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


class TrajectoryChart:
    """A growth chart whose bands and axes are laid once and used for many patients.

    Parameters
    ----------
    reference : Band or None
        Centiles of the patients compared with.
    end_years : float
        Right end of the time axis.
    """

    def __init__(self, reference: Band | None, end_years: float) -> None:
        self._figure, self._axes = blank_axes(WIDTH_INCHES, HEIGHT_INCHES, _BOX)
        self._patient: list[Artist] = []
        self._reference_doses = np.empty(0)
        axes = self._axes
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(FixedLocator(list(_DOUBLINGS)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda dose, _: f"{dose:g}"))
        axes.set_xlim(0.0, end_years)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
        axes.grid(axis="y", color="#D0D0D0", linewidth=0.4, zorder=0)
        axes.set_axisbelow(True)
        name_axes(axes, "years since implant", "dose (µg/day)")
        if reference is not None:
            inside = reference.t_years <= end_years + 1e-9
            band = Band(reference.t_years[inside], reference.dose_ug[:, inside])
            self._reference_doses = band.dose_ug.ravel()
            _draw_reference(axes, band, end_years)

    def draw(
        self,
        t_years: Array,
        dose_ug: Array,
        forecast: Band | None,
        events_years: tuple[float, ...] = (),
    ) -> Figure:
        """Draw one patient in place of the one before.

        Parameters
        ----------
        t_years, dose_ug : ndarray, shape (n_reading,)
            Recorded doses; each holds until the next.
        forecast : Band or None
            Quantiles of the future dose; starts at the last reading.
        events_years : tuple of float
            Times of events, marked 1, 2, 3 … along the upper edge.

        Returns
        -------
        Figure
            Valid until the next call.
        """
        for artist in self._patient:
            artist.remove()
        axes = self._axes
        before = set(axes.get_children())
        seen = [self._reference_doses, dose_ug]
        if forecast is not None:
            _draw_fan(axes, forecast)
            seen.append(forecast.dose_ug.ravel())
        axes.step(t_years, dose_ug, where="post", color=INK, linewidth=1.5, zorder=5)
        if t_years.size <= MOST_DOTS:
            axes.plot(
                t_years, dose_ug, linestyle="none", marker="o", markersize=2.6, color=INK, zorder=6
            )
        _mark_events(axes, events_years)
        axes.set_ylim(_dose_limits(np.concatenate(seen)))
        self._patient = [artist for artist in axes.get_children() if artist not in before]
        return self._figure


def _draw_reference(axes: Axes, band: Band, end_years: float) -> None:
    t, dose = band.t_years, band.dose_ug
    axes.fill_between(t, dose[0], dose[4], color=BAND_OUTER, linewidth=0, zorder=1)
    axes.fill_between(t, dose[1], dose[3], color=BAND_INNER, linewidth=0, zorder=1)
    for row, dash, name in zip(dose, _DASHES, _CENTILES, strict=True):
        width = 1.0 if name == "median" else 0.7
        axes.plot(t, row, color=GREY, linewidth=width, linestyle=dash, zorder=2)
        put_text(
            axes, 1.008 * end_years, float(row[-1]), name, va="center", ha="left",
            fontsize=SMALL_PT, color="#444444", clip_on=False,
        )  # fmt: skip


def _draw_fan(axes: Axes, band: Band) -> None:
    t, dose = band.t_years, band.dose_ug
    axes.fill_between(t, dose[0], dose[4], color=FAN_OUTER, linewidth=0, zorder=3)
    axes.fill_between(t, dose[1], dose[3], color=FAN_INNER, linewidth=0, zorder=3)
    for k, row in enumerate(dose):
        dash = (0, (1.5, 1)) if k == len(dose) // 2 else "solid"
        axes.plot(t, row, color=VERMILLION, linewidth=0.8, linestyle=dash, zorder=4)
    axes.axvline(float(t[0]), color=INK, linewidth=0.6, linestyle=(0, (3, 2)), zorder=2)


def _mark_events(axes: Axes, events_years: tuple[float, ...]) -> None:
    """Mark events along the upper edge, numbered in two rows so that neighbours stay apart."""
    upper = axes.get_xaxis_transform()
    for k, t in enumerate(events_years):
        axes.axvline(t, ymax=0.93, color=GREEN, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=2)
        put_text(
            axes, t, 0.94 + 0.055 * (k % 2), str(k + 1), transform=upper, ha="center", va="center",
            fontsize=SMALL_PT, fontweight="bold", color=GREEN, zorder=7,
        )  # fmt: skip


def _dose_limits(doses: Array) -> tuple[float, float]:
    """Return limits of the dose axis that span at least two doublings."""
    low, high = float(doses.min()) / 1.12, float(doses.max()) * 1.12
    if high / low < 4.0:
        middle = float(np.sqrt(low * high))
        low, high = middle / 2.0, middle * 2.0
    return low, high
