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
    """Return tone (points), its slope (points per log dose), and tone over ``untreated``."""
    share = 1.0 / (1.0 + math.exp(-hill * gap - shift))
    return untreated * share, untreated * hill * share * (1.0 - share), share


@part
def respond_adjoint(
    gap: float, untreated: float, hill: float, share: float, tone_bar: float, slope_bar: float
) -> Any:
    """Return the adjoints of gap, untreated tone and hill."""
    spread = share * (1.0 - share)
    # d tone = share dU + U spread dz; d slope = hill spread dU + U spread dh + U h spread' dz
    dz = untreated * spread * tone_bar
    dz += untreated * hill * spread * (1.0 - 2.0 * share) * slope_bar
    gap_bar = hill * dz
    hill_bar = gap * dz + untreated * spread * slope_bar
    untreated_bar = share * tone_bar + hill * spread * slope_bar - dz / (untreated - 1.0)
    return gap_bar, untreated_bar, hill_bar
