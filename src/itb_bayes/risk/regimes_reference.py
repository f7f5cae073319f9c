"""Centile bands of the dose under a regimes fit: the growth chart behind a patient."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.future import NORMALS_A_VISIT, UNIFORMS_A_VISIT, dose_paths
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.explanations import NO_RULE, part_ages
from itb_bayes.risk.interval import PROBABILITIES

Array = NDArray[np.float64]

DRAWS_PER_CHAIN = 25
PATHS = 3
LATE_YEARS = 0.5
"""Patients whose record starts later than this tell nothing about how doses begin."""


def first_steps(plan: RegimesPlan, patients: NDArray[np.int64]) -> RegimesPlan:
    """Return the plan of the first step of the chosen patients."""
    first = np.zeros(int(plan.offsets[-1]), dtype=bool)
    first[plan.offsets[:-1]] = True
    return plan.select(patients, first)


def explained_bands(
    fit: RegimesFit, patients: NDArray[np.bool_], t_years: Array, seed_part: int
) -> Array | None:
    """Return centiles of the dose of patients like the chosen ones, from their first dose on.

    Each patient of the group starts at their own first dose; everything later (drift, wandering,
    tolerance, faults and their repair, titration by the fitted habit) is drawn anew, so that no
    centile shows a person's record.

    Parameters
    ----------
    fit : RegimesFit
    patients : ndarray of bool, shape (n_patient,)
        The group.
    t_years : ndarray, shape (n_time,)
        Increasing times since implant, all above 0.
    seed_part : int
        Makes the random stream of one group differ from that of another.

    Returns
    -------
    ndarray, shape (5, n_time), or None
        The 5, 25, 50, 75 and 95 % quantiles (µg/day); None where the model reads no doses, or no
        patient of the group has a record that starts early enough.
    """
    plan = fit.plan
    starts = plan.data[plan.offsets[:-1], Col.T]
    chosen = np.flatnonzero(patients & (starts <= LATE_YEARS))
    if "dose" not in plan.channels or not chosen.size:
        return None
    first = first_steps(plan, chosen)
    everyone = regimes_draws(plan, thin(fit.posterior, DRAWS_PER_CHAIN))
    draws = RegimesDraws(everyone.g, np.ascontiguousarray(everyone.own[:, chosen]))
    after = filter_patients(first, draws).after
    horizons = np.maximum(t_years[None, :] - starts[chosen][:, None], 0.0)
    gaps = [_usual_gap(plan, int(i)) for i in chosen]
    paths = np.empty((draws.n_draw, chosen.size, PATHS, t_years.size))
    for k in range(chosen.size):
        rng = np.random.default_rng([fit.seed, 0xB2, seed_part, k])
        row, code = first.data[k], first.codes[k]
        catheter, pump = part_ages(row, code)
        n_visit = int(np.ceil(horizons[k, -1] / gaps[k])) + 1
        for s in range(draws.n_draw):
            paths[s, k] = dose_paths(
                draws.g[s], draws.own[s, k], after[s, k], row[Col.LOG_DOSE],
                float(code[Code.BOLUS]), row[Col.T], catheter, pump, gaps[k], horizons[k],
                rng.standard_normal((PATHS, 1 + NORMALS_A_VISIT * n_visit)),
                rng.random((PATHS, 1 + UNIFORMS_A_VISIT * n_visit)), NO_RULE,
                "ashworth" in plan.channels,
            )  # fmt: skip
    return np.exp(np.quantile(paths.reshape(-1, t_years.size), PROBABILITIES, axis=0))


def _usual_gap(plan: RegimesPlan, patient: int) -> float:
    """Return the median time between a patient's steps, years."""
    t = plan.t_years[int(plan.offsets[patient]) : int(plan.offsets[patient + 1])]
    gaps = np.diff(t)
    return float(np.clip(np.median(gaps), 0.04, 1.0)) if gaps.size else 0.25
