"""Does looking at every visit spoil a probability? A surveillance whose truth is known.

A fault begins at each visit with a fixed hazard and stays; readings are Gaussian and shift with it.
With the right filter, the share of true alarms at the first crossing of a threshold is at least the
threshold, however many looks were taken: each probability already holds everything seen so far.
With a wrong hazard that promise breaks, whatever the filter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

VISITS_PER_YEAR = 4
SOON = 4
"""Visits within which an early alarm comes."""


@dataclass(frozen=True)
class Surveillance:
    """A population under surveillance.

    Attributes
    ----------
    n_patient, n_visit : int
        Visits are quarterly.
    hazard : float
        Probability of onset at a visit.
    shift : float
        Of the readings by a fault, in standard deviations.
    tail_df : float
        Degrees of freedom of the readings' noise, scaled to unit variance; infinite for Gaussian.
    """

    n_patient: int = 40_000
    n_visit: int = 20
    hazard: float = 0.05
    shift: float = 1.0
    tail_df: float = float("inf")


@dataclass(frozen=True)
class FirstAlarms:
    """What the first alarm of each patient was worth.

    Attributes
    ----------
    ppv : float
        Share of first alarms raised while the fault was there.
    false_per_100_years : float
        Alarms before onset, by patient-years before onset and first alarm.
    sensitivity : float
        Share of the faults that the first alarm caught before the end.
    median_delay_visits : float
        From onset to alarm, of the faults caught.
    soon : float
        Caught within four visits, of the faults that began at least four visits before the end.
    """

    ppv: float
    false_per_100_years: float
    sensitivity: float
    median_delay_visits: float
    soon: float


def draw_readings(population: Surveillance, seed: int) -> tuple[NDArray[np.int64], Array]:
    """Draw onsets, shape (n_patient,), and readings, shape (n_patient, n_visit)."""
    rng = np.random.default_rng([seed, 0x570])
    onset = rng.geometric(population.hazard, population.n_patient) - 1
    shape = (population.n_patient, population.n_visit)
    if np.isinf(population.tail_df):
        noise = rng.standard_normal(shape)
    else:
        df = population.tail_df
        noise = rng.standard_t(df, shape) * np.sqrt((df - 2.0) / df)
    present = np.arange(population.n_visit) >= onset[:, None]
    return onset, noise + population.shift * present


def filter_fault(readings: Array, hazard: float, shift: float) -> Array:
    """Return the probability that the fault is there, at each visit given all up to it."""
    p = np.zeros(readings.shape[0])
    out = np.empty_like(readings)
    for k in range(readings.shape[1]):
        prior = p + (1.0 - p) * hazard
        odds = prior * np.exp(shift * readings[:, k] - 0.5 * shift**2)
        p = odds / (odds + 1.0 - prior)
        out[:, k] = p
    return out


def chart_fault(readings: Array, shift: float) -> Array:
    """Return the one-sided CUSUM of the readings, with half the shift forgiven at each visit."""
    out, state = np.empty_like(readings), np.zeros(readings.shape[0])
    for k in range(readings.shape[1]):
        state = np.maximum(0.0, state + readings[:, k] - 0.5 * shift)
        out[:, k] = state
    return out


def judge_first_alarms(onset: NDArray[np.int64], score: Array, threshold: float) -> FirstAlarms:
    """Judge the first crossing of a threshold; later ones are not looked at.

    Parameters
    ----------
    onset : ndarray of int64, shape (n_patient,)
        Visit of onset; beyond the last visit where there is none.
    score : ndarray, shape (n_patient, n_visit)
    threshold : float
    """
    n_visit = score.shape[1]
    crossed = score >= threshold
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), n_visit)
    alarmed, ill = first < n_visit, first >= onset
    free_visits = np.minimum(np.minimum(onset, first + 1), n_visit).sum()
    faulty = onset < n_visit
    caught = alarmed & ill & faulty
    delay = first - onset
    early = onset < n_visit - SOON
    return FirstAlarms(
        ppv=float((alarmed & ill).sum() / alarmed.sum()),
        false_per_100_years=float(100.0 * VISITS_PER_YEAR * (alarmed & ~ill).sum() / free_visits),
        sensitivity=float(caught.sum() / faulty.sum()),
        median_delay_visits=float(np.median(delay[caught])),
        soon=float((caught & (delay <= SOON) & early).sum() / early.sum()),
    )
