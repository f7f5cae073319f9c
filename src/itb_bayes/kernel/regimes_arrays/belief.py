"""The belief of the filter: eleven Gaussians in two dimensions for every patient.

During a visit a third quantity goes beside them, the tone of which everything is read.
"""

from typing import Any, NamedTuple

import numpy as np

from itb_bayes.kernel.regimes.layout import LOST_VAR
from itb_bayes.kernel.regimes_arrays.states import normal


class Belief(NamedTuple):
    """Probability, means and covariance of requirement and spasm offset, each (n_patient, 11)."""

    probability: Any
    need: Any
    offset: Any
    need_var: Any
    both_cov: Any
    offset_var: Any


def mix(xp: Any, belief: Belief, p: Any, jump: Any, jump_var: Any) -> Belief:
    """Move along ``p[patient, from, to]``; every mixture becomes the Gaussian of equal moments."""
    joint = belief.probability[:, :, None] * p
    total = joint.sum(axis=1)
    share = joint / xp.where(total > 0.0, total, 1.0)[:, None, :]
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


class Tone(NamedTuple):
    """Mean and variance of a visit's tone, and its covariances with requirement and offset."""

    mean: Any
    var: Any
    need_cov: Any
    offset_cov: Any


class Reading(NamedTuple):
    """A reading beside what each state expects of it.

    Attributes
    ----------
    value, expected, var
    need_cov, offset_cov, tone_cov
        Its covariances with requirement, offset and tone.
    """

    value: Any
    expected: Any
    var: Any
    need_cov: Any
    offset_cov: Any
    tone_cov: Any


def read(
    xp: Any,
    belief: Belief,
    tone: Tone,
    reading: Reading,
    outlier: Any,
    density: Any,
    lost: Any,
    about: Any,
) -> tuple[Belief, Tone]:
    """Meet a reading that says nothing with probability ``outlier``; keep two moments.

    It has the given density then, and of those readings a share ``lost`` puts the requirement
    ``about`` a value.
    """
    x, expected, var, on_need, on_offset, on_tone = reading
    p, m, o, v, c, w = belief
    gain, offset_gain, tone_gain = on_need / var, on_offset / var, on_tone / var
    fits = (1.0 - outlier) * normal(xp, x, expected, var)
    wild = outlier * density
    total = fits + wild
    fit, kept, gone = fits / total, wild * (1.0 - lost) / total, wild * lost / total
    told, told_offset = m + gain * (x - expected), o + offset_gain * (x - expected)
    told_tone = tone.mean + tone_gain * (x - expected)
    mean = fit * told + kept * m + gone * about
    offset = fit * told_offset + (kept + gone) * o
    tone_mean = fit * told_tone + (kept + gone) * tone.mean
    new_tone = Tone(
        tone_mean,
        fit * (tone.var - tone_gain**2 * var + (told_tone - tone_mean) ** 2)
        + (kept + gone) * (tone.var + (tone.mean - tone_mean) ** 2),
        fit * (tone.need_cov - gain * tone_gain * var + (told - mean) * (told_tone - tone_mean))
        + kept * (tone.need_cov + (m - mean) * (tone.mean - tone_mean))
        + gone * (about - mean) * (tone.mean - tone_mean),
        fit
        * (
            tone.offset_cov
            - offset_gain * tone_gain * var
            + (told_offset - offset) * (told_tone - tone_mean)
        )
        + (kept + gone) * (tone.offset_cov + (o - offset) * (tone.mean - tone_mean)),
    )
    new = Belief(
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
    return new, new_tone


def where[T: (Belief, Tone)](xp: Any, there: Any, new: T, old: T) -> T:
    """Return the one belief of the patients who have a reading, the other of the rest."""
    return type(old)(*(xp.where(there, a, b) for a, b in zip(new, old, strict=True)))


def three_points(xp: Any, mean: Any, spread: Any, response: Any) -> tuple[Any, Any, Any]:
    """Return mean, regression slope and variance of a response to a Gaussian, at three points."""
    away = xp.sqrt(3.0 * spread)
    low, middle, high = response(mean - away), response(mean), response(mean + away)
    expected = (low + 4.0 * middle + high) / 6.0
    slope = (high - low) * away / (6.0 * spread)
    around = (low - expected) ** 2 + 4.0 * (middle - expected) ** 2 + (high - expected) ** 2
    return expected, slope, around / 6.0


def root_two_pi(xp: Any, var: Any) -> Any:
    """Return what a Gaussian density lacks to be 1 at its mean."""
    return xp.sqrt(2.0 * np.pi * var)
