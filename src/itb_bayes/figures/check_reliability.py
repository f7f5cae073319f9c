"""Chart of a calibration curve against the band of perfectly calibrated ones."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itb_bayes.figures.style import BAND_OUTER, BLUE, GREY, INK, VERMILLION, chart_style, name_axes

Array = NDArray[np.float64]

LEAST = 1e-3
"""Probabilities are drawn on a logarithmic axis down to this: rare conditions live there."""


def reliability_figure(stated: Array, observed: Array, low: Array, high: Array) -> Figure:
    """Draw the observed share of each bin over its mean probability, with the band.

    Parameters
    ----------
    stated, observed, low, high : ndarray, shape (n_bin,)
        By rising probability.
    """
    x, y, lower, upper = (np.maximum(values, LEAST) for values in (stated, observed, low, high))
    with chart_style():
        figure = Figure(figsize=(4.2, 3.6))
        axes = figure.add_axes((0.16, 0.14, 0.81, 0.83))
        axes.fill_between(x, lower, upper, color=BAND_OUTER, linewidth=0)
        axes.plot(x, lower, color=BLUE, linewidth=0.8)
        axes.plot(x, upper, color=BLUE, linewidth=0.8)
        axes.plot([LEAST, 1.0], [LEAST, 1.0], color=GREY, linewidth=0.6, linestyle=":")
        axes.plot(x, y, color=INK, linewidth=1.0)
        outside = (observed < low) | (observed > high)
        axes.plot(x[~outside], y[~outside], "o", color=INK, markersize=4.0)
        axes.plot(x[outside], y[outside], "s", color=VERMILLION, markersize=4.5)
        ticks = [0.001, 0.01, 0.1, 1.0]
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(ticks, ["0.001", "0.01", "0.1", "1"])
        axes.set_yticks(ticks, ["0.001", "0.01", "0.1", "1"])
        axes.minorticks_off()
        axes.set_xlim(LEAST * 0.8, 1.25)
        axes.set_ylim(LEAST * 0.8, 1.25)
        name_axes(axes, x="probability given", y="share of visits with the condition")
    return figure
