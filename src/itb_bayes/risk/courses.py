"""What explained a patient's past, from their whole record: at each visit, and since when.

Filtered probabilities say what could be known at a visit; these say what is known of it now. The
probabilities at each visit come from the smoother, times from courses drawn from the filter
backwards. Between two visits a change may have come at any time: times are then uniform.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import COLLAPSE
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.layout import EXPLANATION_OF_STATE, EXPLANATIONS, Col
from itb_bayes.kernel.regimes.paths import N_CHANCE, sample_paths
from itb_bayes.kernel.regimes.smoother import smooth
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.explanations import weighted_quantiles

Array = NDArray[np.float64]
Groups = NDArray[np.int64]

PATHS_PER_DRAW = 4

LEAST_PATHS = 50.0
"""Effective courses that an interval of times needs."""

_GROUP = np.array(EXPLANATION_OF_STATE)


@dataclass(frozen=True)
class Since:
    """When an explanation began that is there at the last visit.

    Attributes
    ----------
    explanation : str
    probability : float
        That it is there, given the whole record.
    median_years, low_years, high_years : float
        Of its beginning given that it is there: median and 90 % interval, years since implant.
    from_start : float
        Probability, given that it is there, that it was so at the first visit on record.
    """

    explanation: str
    probability: float
    median_years: float
    low_years: float
    high_years: float
    from_start: float


@dataclass(frozen=True)
class Course:
    """A patient's past given the whole record.

    Attributes
    ----------
    t_years : ndarray, shape (n_step,)
    probability : ndarray, shape (n_step, 6)
        Of every explanation at each visit, before its operations.
    since : tuple of Since
        The likeliest first; explanations present in too few courses are left out.
    years : dict
        Explanation to the years with it: mean, 5 and 95 % quantiles.
    """

    t_years: Array
    probability: Array
    since: tuple[Since, ...]
    years: dict[str, tuple[float, float, float]]


def smooth_visits(
    plan: RegimesPlan, draws: RegimesDraws, on_draw: Callable[[int], None] | None = None
) -> NDArray[np.float32]:
    """Smooth all patients for every draw.

    Returns
    -------
    ndarray of float32, shape (n_draw, n_step, 6)
        Probability of every explanation at each step, given the patient's whole record.
    """
    out = np.empty((draws.n_draw, int(plan.offsets[-1]), len(EXPLANATIONS)), dtype=np.float32)

    def run(s: int) -> None:
        belief = smooth(draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets)
        out[s] = belief[:, :, 0] @ COLLAPSE

    map_in_threads(run, draws.n_draw, on_draw)
    return out


def look_back(
    one: RegimesPlan, draws: RegimesDraws, weight: Array, seed: int, paths: int = PATHS_PER_DRAW
) -> Course:
    """Say what explained the past of one patient, and since when.

    Parameters
    ----------
    one : RegimesPlan
        Of this patient alone.
    draws : RegimesDraws
        Of them alone.
    weight : ndarray, shape (n_draw,)
        Summing to one.
    seed : int
        With the patient's name it fixes the courses.
    paths : int
        Courses drawn for each draw.
    """
    n_draw, n = draws.n_draw, one.data.shape[0]
    smoothed = np.tensordot(weight, smooth_visits(one, draws).astype(float), axes=1)
    before, after = (np.empty((n_draw, paths, n), dtype=np.int64) for _ in range(2))
    when = np.empty((n_draw, paths, n))
    whose = zlib.crc32(one.patient_ids[0].encode())

    def run(s: int) -> None:
        rng = np.random.default_rng([seed, 0xFB, whose, s])
        chances = rng.random((paths, n + 1, N_CHANCE))
        normals = rng.standard_normal((paths, n + 1, N_CHANCE))
        when[s] = rng.random((paths, n))
        state, later, _ = sample_paths(
            draws.g[s], draws.own[s, 0], one.data, one.codes, chances, normals
        )
        before[s], after[s] = _GROUP[state], _GROUP[later]

    map_in_threads(run, n_draw)
    t, flat = one.data[:, Col.T], (-1, n)
    courses = before.reshape(flat), after.reshape(flat), when.reshape(flat)
    each = np.repeat(weight / paths, paths)
    spent = years_in(t, *courses)
    years = {}
    for e, name in enumerate(EXPLANATIONS):
        low, high = weighted_quantiles(spent[:, e], each, (0.05, 0.95))
        years[name] = (float(each @ spent[:, e]), low, high)
    return Course(t.copy(), smoothed, _since(t, courses, each), years)


def _since(t: Array, courses: tuple[Groups, Groups, Array], each: Array) -> tuple[Since, ...]:
    last = courses[0][:, -1]
    began = onset_of_last(t, *courses)
    found = []
    for e, name in enumerate(EXPLANATIONS):
        mine = last == e
        chance = float(each[mine].sum())
        if chance <= 0.0 or chance**2 < LEAST_PATHS * float((each[mine] ** 2).sum()):
            continue
        share = each[mine] / chance
        low, median, high = weighted_quantiles(began[mine], share, (0.05, 0.5, 0.95))
        from_start = float(share @ (began[mine] <= t[0]))
        found.append(Since(name, chance, median, low, high, from_start))
    return tuple(sorted(found, key=lambda since: -since.probability))


def onset_of_last(t: Array, before: Groups, after: Groups, when: Array) -> Array:
    """Return when the explanation of each course's last step began, shape (n_course,).

    Parameters
    ----------
    t : ndarray, shape (n_step,)
    before, after : ndarray of int, shape (n_course, n_step)
        Explanation at each step before and after its operations.
    when : ndarray, shape (n_course, n_step)
        Share of the time before a step that had gone by when a change came.
    """
    now = before[:, -1]
    began = np.full(len(now), t[0])
    lasting = np.ones(len(now), dtype=bool)
    for k in range(t.size - 1, 0, -1):
        came = lasting & (after[:, k - 1] != now)
        began[came] = t[k - 1] + when[came, k] * (t[k] - t[k - 1])
        lasting &= ~came
        made = lasting & (before[:, k - 1] != now)
        began[made] = t[k - 1]
        lasting &= ~made
    return began


def years_in(t: Array, before: Groups, after: Groups, when: Array) -> Array:
    """Return the years that each course spends in each explanation, shape (n_course, 6)."""
    out = np.zeros((len(before), len(EXPLANATIONS)))
    rows = np.arange(len(before))
    for k in range(1, t.size):
        dt = t[k] - t[k - 1]
        changed = np.where(after[:, k - 1] == before[:, k], 1.0, when[:, k])
        np.add.at(out, (rows, after[:, k - 1]), changed * dt)
        np.add.at(out, (rows, before[:, k]), (1.0 - changed) * dt)
    return out
