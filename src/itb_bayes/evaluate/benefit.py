"""Net benefit of acting above a probability, beside acting on all patients and on none.

Vickers & Elkin 2006 (Med Decis Making 26:565): true positives less false positives weighted by the
odds of the threshold, per patient judged. A threshold states how many needless work-ups one found
fault is worth: 10 % says nine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.accuracy import Array, Estimate, Flags, interval
from itb_bayes.evaluate.resampling import PatientResamples

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit at one threshold, per 100 judged.

    Attributes
    ----------
    threshold : float
    model : Estimate
        Of acting where the probability reaches the threshold.
    act_on_all : float
    gain : Estimate
        Over the better of acting on all and acting on none.
    """

    threshold: float
    model: Estimate
    act_on_all: float
    gain: Estimate


def net_benefits(
    patient: NDArray[np.int64],
    probability: Array,
    truth: Flags,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    n_resample: int = 1000,
    seed: int = 1,
) -> tuple[NetBenefit, ...]:
    """Return net benefits with patient-bootstrap intervals.

    Parameters
    ----------
    patient : ndarray of int64, shape (n,)
    probability : ndarray, shape (n,)
    truth : ndarray of bool, shape (n,)
    thresholds : sequence of float
        Each inside (0, 1).
    n_resample, seed : int

    Raises
    ------
    UsageError
        If a threshold is not inside (0, 1).
    """
    if not all(0.0 < threshold < 1.0 for threshold in thresholds):
        raise UsageError("thresholds of net benefit lie between 0 and 1, both left out.")
    names, number = np.unique(patient, return_inverse=True)
    resamples = PatientResamples(names.size, n_resample, seed)

    sums = partial(resamples.sums, number)

    (n, ns), (sick, sicks) = sums(np.ones(truth.size)), sums(_ones(truth))
    out = []
    for threshold in thresholds:
        odds = threshold / (1.0 - threshold)
        acted = probability >= threshold
        (tp, tps), (fp, fps) = sums(_ones(acted & truth)), sums(_ones(acted & ~truth))
        model, models = 100 * (tp - odds * fp) / n, 100 * (tps - odds * fps) / ns
        everyone = 100 * (sick - odds * (n - sick)) / n
        everyones = 100 * (sicks - odds * (ns - sicks)) / ns
        out.append(
            NetBenefit(
                threshold,
                interval(model, models),
                everyone,
                interval(model - max(everyone, 0.0), models - np.maximum(everyones, 0.0)),
            )
        )
    return tuple(out)


def _ones(flags: Flags) -> Array:
    return flags.astype(np.float64)
