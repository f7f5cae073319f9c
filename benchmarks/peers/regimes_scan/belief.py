"""The belief of the filter: eleven Gaussians in two dimensions for every patient."""

from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from itb_bayes.kernel.regimes.layout import LOST_VAR
from peers.regimes_scan.findings import normal


class Belief(NamedTuple):
    """Probability, means and covariance of requirement and spasm offset, each (n_patient, 11)."""

    probability: Any
    need: Any
    offset: Any
    need_var: Any
    both_cov: Any
    offset_var: Any


def mix(belief: Belief, p: Any, jump: Any, jump_var: Any) -> Belief:
    """Move along ``p[patient, from, to]``; every mixture becomes the Gaussian of equal moments."""
    joint = belief.probability[:, :, None] * p
    total = joint.sum(axis=1)
    share = joint / pt.where(pt.gt(total, 0.0), total, 1.0)[:, None, :]
    needs = belief.need[:, :, None] + jump
    need = (share * needs).sum(axis=1)
    offset = (share * belief.offset[:, :, None]).sum(axis=1)
    away = needs - need[:, None, :]
    aside = belief.offset[:, :, None] - offset[:, None, :]
    within = belief.need_var[:, :, None] + jump_var
    return Belief(
        total,
        need,
        offset,
        (share * (within + away**2)).sum(axis=1),
        (share * (belief.both_cov[:, :, None] + away * aside)).sum(axis=1),
        (share * (belief.offset_var[:, :, None] + aside**2)).sum(axis=1),
    )


class Reading(NamedTuple):
    """A reading with what each state expects of it: value, mean, two slopes, variance."""

    value: Any
    expected: Any
    slope: Any
    offset_slope: Any
    noise: Any


def read(
    belief: Belief, reading: Reading, outlier: Any, density: Any, lost: Any, about: Any
) -> Belief:
    """Meet a reading that says nothing with probability ``outlier``; keep two moments.

    It has the given density then, and of those readings a share ``lost`` puts the requirement
    ``about`` a value.
    """
    x, expected, h, k, noise = reading
    p, m, o, v, c, w = belief
    on_need, on_offset = v * h + c * k, c * h + w * k
    var = h * on_need + k * on_offset + noise
    gain, offset_gain = on_need / var, on_offset / var
    fits = (1.0 - outlier) * normal(x, expected, var)
    wild = outlier * density
    total = fits + wild
    fit, kept, gone = fits / total, wild * (1.0 - lost) / total, wild * lost / total
    told, told_offset = m + gain * (x - expected), o + offset_gain * (x - expected)
    mean = fit * told + kept * m + gone * about
    offset = fit * told_offset + (kept + gone) * o
    return Belief(
        p * total,
        mean,
        offset,
        fit * (v - gain**2 * var + (told - mean) ** 2)
        + kept * (v + (m - mean) ** 2)
        + gone * (LOST_VAR + (about - mean) ** 2),
        fit * (c - gain * offset_gain * var + (told - mean) * (told_offset - offset))
        + kept * (c + (m - mean) * (o - offset))
        + gone * (about - mean) * (o - offset),
        fit * (w - offset_gain**2 * var + (told_offset - offset) ** 2)
        + (kept + gone) * (w + (o - offset) ** 2),
    )


def where(there: Any, new: Belief, old: Belief) -> Belief:
    """Return the one belief of the patients who have a reading, the other of the rest."""
    return Belief(*(pt.where(there, a, b) for a, b in zip(new, old, strict=True)))


def three_points(mean: Any, spread: Any, response: Any) -> tuple[Any, Any, Any]:
    """Return mean, regression slope and variance of a response to a Gaussian, at three points."""
    away = pt.sqrt(3.0 * spread)
    low, middle, high = response(mean - away), response(mean), response(mean + away)
    expected = (low + 4.0 * middle + high) / 6.0
    slope = (high - low) * away / (6.0 * spread)
    around = (low - expected) ** 2 + 4.0 * (middle - expected) ** 2 + (high - expected) ** 2
    return expected, slope, around / 6.0


def root_two_pi(var: Any) -> Any:
    """Return what a Gaussian density lacks to be 1 at its mean."""
    return pt.sqrt(2.0 * np.pi * var)
