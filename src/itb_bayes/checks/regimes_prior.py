"""Before any fit of a regimes model: what its priors say in clinical terms."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.prior_draws import distribution
from itb_bayes.checks.prior_predictive import PROBABILITIES, dose_check, ratio_check, rule_list
from itb_bayes.checks.regimes_replicates import (
    CourseSet,
    choose_patients,
    replicate_courses,
)
from itb_bayes.checks.regimes_statistics import fault_statistics, settled
from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec

N_COHORT = 120
TONE_ALLOWED = 0.05
TONE_BOUNDS = (-0.5, 4.5)
"""Readings are Gaussian in the model and 0 to 4 in the clinic; half a point is rounding."""

FAULT_BOUNDS = (0.2, 30.0)
"""Confirmed device faults per 100 patient-years that any published series comes near."""


def draw_regimes_prior(spec: RegimesSpec, plan: RegimesPlan, n_draw: int, seed: int) -> xr.Dataset:
    """Draw population parameters from the resolved priors of the channels that are on.

    Returns
    -------
    xarray.Dataset
        Variables as in a posterior (:func:`itb_bayes.model.regimes.build_regimes`), with dims
        (chain = 1, draw, ...).
    """
    from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS  # PyMC is heavy: where it is used

    rng = np.random.default_rng([seed, 0xA9])
    used = used_priors(plan)
    arrays = {}
    for name, prior in spec.resolved_priors.items():
        if name not in used:
            continue
        dim = ""
        labels: tuple[str, ...] = ("",)
        if name in BY_DIAGNOSIS:
            dim, labels = "diagnosis", plan.diagnoses
        elif name in BY_CENTRE and plan.centres:
            dim, labels = "centre", plan.centres
        columns = [
            distribution(prior.by.get(label, prior)).rvs(size=n_draw, random_state=rng)
            for label in labels
        ]
        values = np.stack(columns, axis=-1)[None]
        arrays[name] = (
            (("chain", "draw", dim), values) if dim else (("chain", "draw"), values[..., 0])
        )
    coords = {"diagnosis": list(plan.diagnoses)}
    if plan.centres:
        coords["centre"] = list(plan.centres)
    return xr.Dataset(arrays, coords=coords)


def regimes_prior_checks(
    spec: RegimesSpec,
    plan: RegimesPlan,
    seed: int = 1,
    on_cohort: Callable[[int], None] | None = None,
) -> tuple[CheckResult, ...]:
    """Judge what the priors predict for a cohort's design; its records are not looked at.

    Each patient's first dose is that of the design: the model starts from it.

    Parameters
    ----------
    spec : RegimesSpec
    plan : RegimesPlan
        Only times, first doses, diagnoses, centres, parts and which channel was recorded when.
    seed : int
    on_cohort : callable, optional
        Called with the number of simulated cohorts done.
    """
    part = plan.select(choose_patients(plan, N_COHORT, seed))
    draws = regimes_draws(part, draw_regimes_prior(spec, part, N_COHORT, seed))
    with np.errstate(all="ignore"):  # absurd priors overflow, and are to be reported as such
        courses = replicate_courses(part, draws, seed, N_COHORT, on_cohort)
    design = YearDesign.laid_out(part.diagnoses, part.diagnosis_index, part.t_years, part.offsets)
    return (
        dose_check(courses.log_dose, design),
        ratio_check(courses.log_dose, design),
        rule_list(courses.log_dose, design),
        _tone_check(courses),
        _fault_check(courses),
    )


def _tone_check(courses: CourseSet) -> CheckResult:
    tone = courses.tone[:, settled(courses) & np.isfinite(courses.tone[0])]
    name, question = "prior-tone", "Do simulated Ashworth scores look like Ashworth scores?"
    criterion = (
        f"passes if at most {100 * TONE_ALLOWED:g} % of simulated readings after the first half "
        f"year lie outside {TONE_BOUNDS[0]:g} to {TONE_BOUNDS[1]:g} points (scale 0 to 4)"
    )
    if not tone.size:
        reason = "Not computed: the cohort has no Ashworth reading after the first half year."
        return CheckResult(name, question, criterion, None, reason, pd.DataFrame())
    low, high = TONE_BOUNDS
    outside = float(((tone < low) | (tone > high)).mean())
    quantiles = np.quantile(tone, (0.05, 0.25, 0.5, 0.75, 0.95))
    table = pd.DataFrame(
        [{f"q{p:02d}": q for p, q in zip((5, 25, 50, 75, 95), quantiles, strict=True)}]
    )
    return CheckResult(
        name,
        question,
        criterion,
        outside <= TONE_ALLOWED,
        f"{100 * outside:.1f} % of simulated readings lie outside; median {quantiles[2]:.1f} "
        f"points, 90 % {quantiles[0]:.1f} to {quantiles[4]:.1f}.",
        table.assign(unit="points"),
    )


def _fault_check(courses: CourseSet) -> CheckResult:
    rows, total = [], np.zeros(courses.n_cohort)
    for statistic in fault_statistics(courses):
        low, middle, high = np.quantile(statistic.by_cohort, PROBABILITIES)
        total += statistic.by_cohort
        rows.append(
            {
                "event": statistic.name, "unit": statistic.unit,
                "q05": low, "median": middle, "q95": high,
            }
        )  # fmt: skip
    low, middle, high = np.quantile(total, PROBABILITIES)
    mean = float(total.mean())
    rows.append({**rows[0], "event": "both", "q05": low, "median": middle, "q95": high})
    least, most = FAULT_BOUNDS
    return CheckResult(
        "prior-faults",
        "How many device faults would be confirmed under the priors?",
        f"passes if the mean over simulated cohorts lies within {least:g} to {most:g} confirmed "
        "device faults per 100 patient-years",
        least <= mean <= most,
        f"{mean:.1f} per 100 patient-years (90 % of simulated cohorts {low:.1f} to {high:.1f}).",
        pd.DataFrame(rows),
    )
