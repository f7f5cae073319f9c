"""Tone as a saturating function of the gap between requirement and delivered dose.

``tone = U * logistic(hill * gap + logit(1 / U))``: one point when the delivered dose is the
requirement, ``U`` (the untreated tone) without drug, none under an unlimited dose.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part


@part
def shift_of(untreated: float) -> float:
    """Return ``logit(1 / U)``, which is the same at all visits of a patient."""
    return -math.log(untreated - 1.0)


@part
def respond(gap: float, untreated: float, hill: float, shift: float) -> Any:
    """Return tone (points), and tone over ``untreated``."""
    share = 1.0 / (1.0 + math.exp(-hill * gap - shift))
    return untreated * share, share


@part
def respond_adjoint(
    gap: float, untreated: float, hill: float, share: float, tone_bar: float
) -> Any:
    """Return the adjoints of gap, untreated tone and hill."""
    # d tone = share dU + U share (1 - share) dz, with z = hill gap + logit(1 / U)
    dz = untreated * share * (1.0 - share) * tone_bar
    return hill * dz, share * tone_bar - dz / (untreated - 1.0), gap * dz
