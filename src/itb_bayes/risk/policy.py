"""What if: the cohort's dose under another titration policy than the fitted habit.

Both arms use the same random numbers, so their difference is the policy's alone. Kawano 2018
concludes that doses stay low where titration stops at one point of tone; this is that conclusion as
a posterior statement about another cohort.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import ModelError
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.future import NORMALS_A_VISIT, UNIFORMS_A_VISIT, dose_paths
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.risk.explanations import NO_RULE, log_dose_after, part_ages, visit_gap
from itb_bayes.risk.interval import Interval

Array = NDArray[np.float64]

DRAWS_PER_CHAIN = 50


@dataclass(frozen=True)
class PolicyYear:
    """The cohort after some years under both policies.

    Attributes
    ----------
    years : float
        From each patient's last record.
    habit_ug, policy_ug : Interval
        Mean dose of the cohort (ug/day) under the fitted habit and under the policy.
    difference_percent : Interval
        Of the policy's mean dose from the habit's.
    p_lower : float
        Probability that the policy's mean dose is the lower one.
    """

    years: float
    habit_ug: Interval
    policy_ug: Interval
    difference_percent: Interval
    p_lower: float


def compare_policy(
    fit: RegimesFit, stop_at: float, years: tuple[float, ...] = (1.0, 3.0, 5.0)
) -> tuple[PolicyYear, ...]:
    """Compare the fitted habit with a stop rule, for the fitted patients.

    Parameters
    ----------
    fit : RegimesFit
    stop_at : float
        The dose is not raised at a reading at or below this (points of the 0-4 scale).
    years : tuple of float
        Horizons from each patient's last record.

    Raises
    ------
    ModelError
        If the fit has no dose channel.

    Notes
    -----
    One path per draw and patient: the intervals hold the uncertainty of the population parameters
    and of the cohort's future course.
    """
    plan = fit.plan
    if "dose" not in plan.channels:
        raise ModelError("a policy can be compared only where the model reads doses.")
    draws = regimes_draws(plan, thin(fit.posterior, DRAWS_PER_CHAIN))
    states = filter_patients(plan, draws)
    horizons = np.array(sorted(set(years)))
    doses = np.empty((2, draws.n_draw, plan.n_patient, horizons.size))
    for i in range(plan.n_patient):
        last = int(plan.offsets[i + 1]) - 1
        row, code = plan.data[last], plan.codes[last]
        dose = log_dose_after(row)
        catheter, pump = part_ages(row, code)
        gap = visit_gap(plan, i)
        n_visit = int(np.ceil(horizons[-1] / gap)) + 1
        rng = np.random.default_rng([fit.seed, 0x90, i])
        for s in range(draws.n_draw):
            normals = rng.standard_normal((1, 1 + NORMALS_A_VISIT * n_visit))
            uniforms = rng.random((1, 1 + UNIFORMS_A_VISIT * n_visit))
            for arm, rule in enumerate((NO_RULE, stop_at)):
                doses[arm, s, i] = dose_paths(
                    draws.g[s], draws.own[s, i], states.after[s, i], dose,
                    float(code[Code.BOLUS]), row[Col.T], catheter, pump, gap, horizons,
                    normals, uniforms, rule, "ashworth" in plan.channels,
                )[0]  # fmt: skip
    means = np.exp(doses).mean(axis=2)
    change = 100.0 * (means[1] / means[0] - 1.0)
    return tuple(
        PolicyYear(
            float(year),
            Interval.of(means[0, :, h]),
            Interval.of(means[1, :, h]),
            Interval.of(change[:, h]),
            float((change[:, h] < 0.0).mean()),
        )
        for h, year in enumerate(horizons)
    )
