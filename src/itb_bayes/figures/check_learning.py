"""Chart of what the data taught: posteriors on the scale of their priors."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itb_bayes.figures.style import BLUE, GREY, INK, chart_style, name_axes, plain_text

Array = NDArray[np.float64]


def learning_figure(labels: list[str], low: Array, median: Array, high: Array) -> Figure:
    """Draw each posterior where it lies within its prior.

    Parameters
    ----------
    labels : list of str
    low, median, high : ndarray, shape (n_parameter,)
        Prior probabilities of values below the 5, 50 and 95 % quantiles of the posterior. A
        posterior equal to its prior reaches from 0.05 to 0.95.
    """
    n = len(labels)
    with chart_style():
        height = 0.75 + 0.2 * n
        figure = Figure(figsize=(6.6, height))
        axes = figure.add_axes((0.3, 0.55 / height, 0.67, 1.0 - 0.65 / height))
        rows = np.arange(n)[::-1]
        axes.hlines(rows, 0.05, 0.95, color=GREY, linewidth=0.7, linestyle="--")
        axes.hlines(rows, low, high, color=BLUE, linewidth=2.4)
        axes.plot(median, rows, "o", color=INK, markersize=4.0)
        axes.set_yticks(rows, [plain_text(label) for label in labels], parse_math=False)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(-0.6, n - 0.4)
        axes.set_xticks([0.05, 0.25, 0.5, 0.75, 0.95])
        name_axes(axes, x="prior probability of smaller values")
    return figure
