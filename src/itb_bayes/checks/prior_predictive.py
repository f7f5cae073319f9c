"""Before any fit: what the priors say about doses, in clinical terms."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.predictive import dose_bands
from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.checks.replicates import replicate_log_doses
from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.estimands import contrast_pairs
from itb_bayes.inference.population import population_draws
from itb_bayes.model.plan import DriftPlan
from itb_bayes.risk.rule import RISE_UG
from itb_bayes.spec import DriftSpec

Array = NDArray[np.float64]

N_DRAW = 1000
DOSE_BOUNDS_UG = (10.0, 2000.0)
"""Labelled maintenance doses of spinal patients run from 12 to 2,003 µg/day."""

DOSE_ALLOWED = 0.05
RATIO_BOUNDS = (0.5, 2.0)
"""After the first year cohorts change by some per cent a year; 18 of Mathur 2014's 24 patients
stayed within 10 % over three years."""

RATIO_ALLOWED = 0.10
PUBLISHED_RULE_PERCENT = (3.0, 13.6)
"""Heetla 2009: 8 rises of more than 100 µg/day in 37 patients, 0.069 per patient-year (95 % 0.030
to 0.136)."""

PROBABILITIES = (0.05, 0.5, 0.95)


def prior_checks(spec: DriftSpec, plan: DriftPlan, seed: int = 1) -> tuple[CheckResult, ...]:
    """Judge what the priors predict for a cohort's design; its doses are not looked at.

    Parameters
    ----------
    spec : DriftSpec
    plan : DriftPlan
        Only readings' times and patients' diagnoses, centres and covariates are used.
    seed : int
    """
    prior = draw_prior(spec, plan, N_DRAW, seed)
    with np.errstate(all="ignore"):  # absurd priors overflow, and are to be reported as such
        population = population_draws(spec, plan, prior)
    log_dose = replicate_log_doses(plan, population, seed)
    design = YearDesign.of(plan)
    return (
        dose_check(log_dose, design),
        ratio_check(log_dose, design),
        rule_list(log_dose, design),
        _drift_list(prior, plan),
    )


def dose_check(log_dose: Array, design: YearDesign) -> CheckResult:
    """Judge simulated log doses, shape (n_cohort, n_reading), by labelled maintenance doses."""
    low, high = np.log(DOSE_BOUNDS_UG)
    below, above = float((log_dose < low).mean()), float((log_dose > high).mean())
    return CheckResult(
        "prior-doses",
        "Do the priors put doses where doses of intrathecal baclofen are?",
        f"passes if at most {100 * DOSE_ALLOWED:g} % of simulated readings lie outside "
        f"{DOSE_BOUNDS_UG[0]:g} to {DOSE_BOUNDS_UG[1]:,.0f} µg/day (labelled maintenance doses of "
        "spinal patients: 12 to 2,003)",
        below + above <= DOSE_ALLOWED,
        f"{100 * below:.1f} % of simulated readings lie below and {100 * above:.1f} % above.",
        dose_bands(log_dose, design),
        "prior_bands",
        dose_bands(log_dose, design).assign(low=DOSE_BOUNDS_UG[0], high=DOSE_BOUNDS_UG[1]),
    )


def ratio_check(log_dose: Array, design: YearDesign) -> CheckResult:
    """Judge simulated changes from year to year."""
    name, question = "prior-ratios", "Do simulated doses change from year to year as doses do?"
    criterion = (
        f"passes if at most {100 * RATIO_ALLOWED:g} % of simulated yearly ratios after the first "
        f"year lie outside {RATIO_BOUNDS[0]:g} to {RATIO_BOUNDS[1]:g} (Mathur 2014: 18 of 24 "
        "patients within 10 % over three years)"
    )
    first, second = design.yearly_pairs()
    if not first.size:
        reason = "Not computed: no patient is followed from one year after implant to the next."
        return CheckResult(name, question, criterion, None, reason, pd.DataFrame())
    change = log_dose[:, second] - log_dose[:, first]
    low, high = np.log(RATIO_BOUNDS)
    outside = float(((change < low) | (change > high)).mean())
    rows = []
    for k in design.years[:-1]:
        a, b = design.row_pairs(int(k), int(k) + 1)
        if not a.size:
            continue
        quantiles = np.exp(
            np.clip(np.quantile(log_dose[:, b] - log_dose[:, a], PROBABILITIES), -700, 700)
        )
        row = {"from_year": int(k), "to_year": int(k) + 1, "n_patient": int(a.size)}
        names = (f"ratio_q{100 * p:02.0f}" for p in PROBABILITIES)
        rows.append(row | dict(zip(names, quantiles.tolist(), strict=True)))
    return CheckResult(
        name,
        question,
        criterion,
        outside <= RATIO_ALLOWED,
        f"{100 * outside:.1f} % of simulated yearly ratios lie outside.",
        pd.DataFrame(rows),
    )


def rule_list(log_dose: Array, design: YearDesign) -> CheckResult:
    """Show how often the 100 µg rule would flag simulated patients."""
    name = "prior-rule"
    question = "How often would the 100 µg rule flag patients whom the priors imagine?"
    criterion = "none; published: 6.9 % of patient-years (95 % 3.0 to 13.6; Heetla 2009)"
    first, second = design.yearly_pairs()
    if not first.size:
        reason = "Not computed: no patient is followed from one year after implant to the next."
        return CheckResult(name, question, criterion, None, reason, pd.DataFrame())
    flagged = np.exp(log_dose[:, second]) - np.exp(log_dose[:, first]) > RISE_UG
    percent = 100.0 * flagged.mean(axis=1)
    low, middle, high = np.quantile(percent, PROBABILITIES)
    least, most = PUBLISHED_RULE_PERCENT
    within = float(((percent >= least) & (percent <= most)).mean())
    table = pd.DataFrame(
        [{"unit": "% of patient-years", "q05": low, "median": middle, "q95": high}]
    )
    return CheckResult(
        name,
        question,
        criterion,
        None,
        f"{middle:.1f} % of patient-years (90 % of simulated cohorts {low:.1f} to {high:.1f}); "
        f"{100 * within:.0f} % of simulated cohorts lie within the published range.",
        table,
    )


def _drift_list(prior: xr.Dataset, plan: DriftPlan) -> CheckResult:
    drift = np.clip(prior["drift"].to_numpy()[0], -700, 700)
    percent = 100.0 * np.expm1(drift)
    names = list(plan.diagnoses)
    rows = [_drift_row(f"drift of {name}", percent[:, d]) for d, name in enumerate(names)]
    said = "One diagnosis only: there is no contrast."
    for a, b in contrast_pairs(plan.diagnoses):
        difference = percent[:, names.index(a)] - percent[:, names.index(b)]
        rows.append(_drift_row(f"{a} - {b}", difference))
        if len(rows) == len(names) + 1:
            said = (
                f"Before the data, {a} drifts faster than {b} with probability "
                f"{(difference > 0).mean():.2f}."
            )
    return CheckResult(
        "prior-drift",
        "What do the priors say about drift, and do they favour one diagnosis?",
        "none: published cohorts disagree about which diagnosis drifts faster",
        None,
        said,
        pd.DataFrame(rows),
    )


def _drift_row(label: str, percent: Array) -> dict[str, object]:
    low, middle, high = np.quantile(percent, PROBABILITIES)
    return {
        "quantity": label,
        "unit": "%/year",
        "q05": float(low),
        "median": float(middle),
        "q95": float(high),
        "p_above_0": float((percent > 0).mean()),
    }
