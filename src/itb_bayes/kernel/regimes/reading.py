"""One reading meets the belief of one state: a robust Kalman step and its reverse.

With probability ``outlier`` a reading says nothing (uniform over the scale); otherwise it is
Gaussian around its expectation. A reading of tone that says nothing may do so because the
requirement is not where it was thought (a share ``LOST_SHARE``): it is then about the present
dose, give or take. The posteriors are merged by their moments. So one reading that fits nothing
moves little, and a series of them finds a requirement that was lost, where a filter that only left
them out would never see another reading.

Beside the belief about requirement and offset ``b`` (6,) goes the tone of the visit ``t`` (4,):
mean, variance, and covariances with requirement and offset (:mod:`itb_bayes.kernel.regimes.tone`).
All readings of a visit are of that tone. A filter that went back to the requirement for every
reading would take what the response's curvature leaves over for new noise each time.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import (
    LOST_VAR,
    OFF_SCALE_DENSITY,
    OUTLIER_DENSITY,
    SCALE_POINTS,
)

_TWO_PI = 2.0 * math.pi


@part
def wild_at(x: float) -> float:
    """Return the density of a reading ``x`` (points) that says nothing."""
    return OUTLIER_DENSITY if 0.0 <= x <= SCALE_POINTS else OFF_SCALE_DENSITY


@part
def absorb(
    b: Any, t: Any, v: float, g0: float, g1: float, gt: float, s: float, outlier: float,
    wild: float, lost: float, about: float, out: Any, t_out: Any,
) -> float:  # fmt: skip
    """Update ``b`` (6,) and ``t`` (4,) into ``out`` and ``t_out``; return the likelihood.

    ``v`` is the reading less its expectation, ``s`` its variance, ``g0, g1, gt`` its covariances
    with requirement, offset and tone. A reading that says nothing has density ``wild``; a share
    ``lost`` of them puts the requirement about ``about``.
    """
    like = (1.0 - outlier) * math.exp(-0.5 * v * v / s) / math.sqrt(_TWO_PI * s)
    like += outlier * wild
    o = outlier * wild / like
    r = 1.0 - o
    k = r * v / s
    c = (r / s) * (1.0 - o * v * v / s)
    q, d = lost * o, about - b[1]
    out[0] = b[0] * like
    out[1] = b[1] + k * g0 + q * d
    out[2] = b[2] + k * g1
    out[3] = b[3] - c * g0 * g0 + q * (LOST_VAR - b[3] + d * (d * (1.0 - q) - 2.0 * k * g0))
    out[4] = b[4] - c * g0 * g1 - q * (b[4] + d * k * g1)
    out[5] = b[5] - c * g1 * g1
    t_out[0] = t[0] + k * gt
    t_out[1] = t[1] - c * gt * gt
    t_out[2] = t[2] - c * gt * g0 - q * (t[2] + d * k * gt)
    t_out[3] = t[3] - c * gt * g1
    return like


@part
def absorb_adjoint(
    b: Any, t: Any, v: float, g0: float, g1: float, gt: float, s: float, outlier: float,
    wild: float, lost: float, about: float, like: float, bar: Any, t_bar: Any,
) -> Any:  # fmt: skip
    """Turn ``bar`` (6,) and ``t_bar`` (4,), adjoints of ``out`` and ``t_out``, into those of the
    beliefs before, in place.

    ``like`` is what :func:`absorb` returned. Returns the adjoints of ``v, g0, g1, gt, s, outlier``
    and of the log of ``wild``.
    """
    o = outlier * wild / like
    r = 1.0 - o
    k = r * v / s
    v2 = v * v / s
    c = (r / s) * (1.0 - o * v2)
    ell_bar = bar[0] * b[0] * like
    q, d = lost * o, about - b[1]
    k_bar = bar[1] * g0 + bar[2] * g1 - q * d * (2.0 * g0 * bar[3] + g1 * bar[4])
    k_bar += gt * (t_bar[0] - q * d * t_bar[2])
    q_bar = bar[1] * d - bar[4] * (b[4] + d * k * g1) - t_bar[2] * (t[2] + d * k * gt)
    q_bar += bar[3] * (LOST_VAR - b[3] + d * (d * (1.0 - 2.0 * q) - 2.0 * k * g0))
    d_bar = bar[1] + 2.0 * bar[3] * (d * (1.0 - q) - k * g0)
    d_bar = q * (d_bar - k * (bar[4] * g1 + t_bar[2] * gt))
    c_bar = -(bar[3] * g0 * g0 + bar[4] * g0 * g1 + bar[5] * g1 * g1)
    c_bar -= gt * (t_bar[1] * gt + t_bar[2] * g0 + t_bar[3] * g1)
    g0_bar = k * bar[1] - c * (2.0 * bar[3] * g0 + bar[4] * g1 + t_bar[2] * gt)
    g1_bar = k * bar[2] - c * (2.0 * bar[5] * g1 + bar[4] * g0 + t_bar[3] * gt)
    gt_bar = k * t_bar[0] - c * (2.0 * t_bar[1] * gt + t_bar[2] * g0 + t_bar[3] * g1)
    g0_bar -= 2.0 * q * d * k * bar[3]
    g1_bar -= q * d * k * bar[4]
    gt_bar -= q * d * k * t_bar[2]
    r_bar = k_bar * v / s + c_bar * (1.0 - o * v2) / s
    o_bar = -c_bar * r * v2 / s - r_bar + lost * q_bar
    v_bar = k_bar * r / s - c_bar * 2.0 * r * o * v / (s * s)
    s_bar = -k_bar * k / s - c_bar * r * (1.0 - 2.0 * o * v2) / (s * s)
    log_bar = ell_bar * r - o_bar * o * r
    rest = 1.0 - outlier
    outlier_bar = ell_bar * (o / outlier - r / rest) + o_bar * o * r / (outlier * rest)
    s_bar += log_bar * 0.5 * (v2 - 1.0) / s
    v_bar -= log_bar * v / s
    bar[0] *= like
    bar[1] -= d_bar
    bar[3] -= q * bar[3]
    bar[4] -= q * bar[4]
    t_bar[2] -= q * t_bar[2]
    return v_bar, g0_bar, g1_bar, gt_bar, s_bar, outlier_bar, o * (ell_bar + o_bar * r)
