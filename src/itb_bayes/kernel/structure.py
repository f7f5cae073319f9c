"""Which terms a drift likelihood has: the switches that numba kernels read as integers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

VOLATILITY_FLOOR = 0.01**2
"""Variance of the log dose that rounding alone makes: doses are set to 5 or 10 µg of some 200.

Without it a patient whose dose never changes would make the likelihood unbounded, and a few such
patients would drag the volatility of all towards zero.
"""


class Process(IntEnum):
    """What a patient's log dose does around their line."""

    NONE = 0
    OU = 1
    RANDOM_WALK = 2


@dataclass(frozen=True)
class Structure:
    """Terms of the drift likelihood.

    Attributes
    ----------
    process : Process
        Covariance of the persistent deviation W.
    robust : bool
        Whether each patient has a volatility of their own (inverse-gamma scale mixture).
    titration : bool
        Whether the design has the third column ``-exp(-t / h)``.
    """

    process: Process
    robust: bool
    titration: bool

    @property
    def n_effect(self) -> int:
        """Patient effects: level and drift, and depth of titration where it is modelled."""
        return 3 if self.titration else 2

    @property
    def is_static(self) -> bool:
        """Whether no sampled parameter changes the whitened design (plain mixed model)."""
        return self.process is Process.NONE and not self.titration


def stationary_scale(log_yearly_sd: Any, share: Any, ell_years: Any, xp: Any) -> tuple[Any, Any]:
    """Return the stationary scale of the Ornstein-Uhlenbeck process with a given yearly change.

    Data tell how much a dose changes in a year, not how large the stationary variance is: with
    long persistence only the ratio of the two is identified. So the model is parameterised by the
    variance of the one-year change of the persistent part, ``share * yearly_sd**2``, and of the
    independent part, ``(1 - share) * yearly_sd**2``; the random walk is the limit of long
    persistence.

    Parameters
    ----------
    log_yearly_sd, share, ell_years : array-like
        Log of the typical SD, its persistent share, and the persistence time.
    xp : module
        ``numpy`` or ``pytensor.tensor``.

    Returns
    -------
    (log_sigma, share)
        Log of the SD and persistent share of the stationary process plus independent part.
    """
    stationary = share / (-2.0 * xp.expm1(-1.0 / ell_years))
    total = stationary + 1.0 - share
    return log_yearly_sd + 0.5 * xp.log(total), stationary / total
