"""Which terms a drift likelihood has: the switches that numba kernels read as integers."""

from dataclasses import dataclass
from enum import IntEnum


class Process(IntEnum):
    """What a patient's log dose does around his line."""

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
        Whether each patient has a volatility of his own (inverse-gamma scale mixture).
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
