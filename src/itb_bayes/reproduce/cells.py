"""Numbers as table cells."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.risk.interval import Interval

Array = NDArray[np.float64]


def interval_cell(draws: Array, digits: int = 0) -> str:
    """Return median and 90 % interval of draws."""
    q = Interval.of(np.asarray(draws))
    return f"{q.median:.{digits}f} ({q.q05:.{digits}f} to {q.q95:.{digits}f})"


def probability_cell(draws: NDArray[np.bool_]) -> str:
    """Return the share of draws; never 0 or 1, which no number of draws can show."""
    p = float(np.mean(draws))
    return ">0.999" if p > 0.9995 else "<0.001" if p < 0.0005 else f"{p:.3f}"


def range_cell(middle: float, low: float, high: float, digits: int = 0) -> str:
    """Return a mean or median with its range."""
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def p_cell(p: float) -> str:
    """Return a p value with two digits."""
    return f"{p:.2g}" if p >= 1e-4 else "<0.0001"
