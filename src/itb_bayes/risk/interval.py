"""A posterior quantity as people read it: centre and two intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Interval:
    """Quantiles of a posterior quantity.

    Attributes
    ----------
    q05, q25, median, q75, q95 : float
        The 5, 25, 50, 75 and 95 % quantiles: a 90 % interval around a 50 % interval.
    """

    q05: float
    q25: float
    median: float
    q75: float
    q95: float

    @classmethod
    def of(cls, draws: NDArray[np.float64]) -> "Interval":
        """Return the quantiles of draws of any shape."""
        return cls(*(float(q) for q in np.quantile(draws, PROBABILITIES)))
