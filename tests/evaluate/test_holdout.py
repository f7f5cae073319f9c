"""Forecasts of a held-out last year."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from drift_cases import fit_of, point_posterior, read_cohort, spec_with
from itb_bayes.cohort.series import DoseSeries
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.holdout import (
    HeldOutYear,
    crps_of_draws,
    hold_out_last_year,
    score_forecasts,
)
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import DriftPlan, plan_drift

SPEC = spec_with("ou", "patient_t", "no", "no", step_months=12.0)
TRUTH = {
    "level": [5.2, 5.0], "drift": [0.06, 0.02], "level_sd": 0.5, "drift_sd": 0.03,
    "correlation_01": 0.5, "tail_df": 5.0, "within_sd": 0.15, "persistent_share": 0.8,
    "persistence_years": 2.0,
}  # fmt: skip


def test_the_last_year_is_held_out_of_patients_followed_long_enough(tmp_path):
    cohort = read_cohort(
        tmp_path, "A,MS,5\nB,SCI,1.6\nC,SCI,2\nD,MS,0.1\n",
        "A,0,100\nA,2,150\nA,4.5,300\nB,0,90\nB,1.2,95\nC,0,80\nC,1.5,85\nD,0,70\n",
    )  # fmt: skip
    held = hold_out_last_year(cohort, SPEC)
    assert held.until_years == {"A": 4.0, "B": pytest.approx(0.6), "C": 1.0}
    assert held.t_target_years == {"A": 5.0, "C": 2.0}
    assert held.dose_target_ug == {"A": 300.0, "C": 85.0}
    plan = plan_drift(SPEC, cohort, until_years=held.until_years)
    for pid, target in held.t_target_years.items():
        t, y = plan.panel.patient(plan.series.patient_ids.index(pid))
        assert t[-1] <= target - 1.0
        assert np.exp(y).max() < 300.0  # nothing of the last year is seen


def designed_plan(n_patient: int, n_reading: int) -> DriftPlan:
    """Yearly readings from year 1 of MS and SCI patients in turn; doses are to be filled in."""
    index = (np.arange(n_patient) % 2).astype(np.int64)
    none = Covariates((), np.empty((n_patient, 0)))
    series = DoseSeries(
        patient_ids=tuple(f"P{i}" for i in range(n_patient)),
        patient=np.repeat(np.arange(n_patient), n_reading),
        t_years=np.tile(1.0 + np.arange(n_reading), n_patient),
        daily_dose_ug=np.full(n_patient * n_reading, 100.0),
        dose_year_before_ug=np.full(n_patient, np.nan),
        n_rows=np.full(n_patient, n_reading),
        ended=("",) * n_patient,
        step_months=12.0,
        set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
    )
    structure = Structure(Process.OU, robust=True, titration=False)
    nowhere = np.zeros(n_patient, dtype=np.int64)
    return DriftPlan(series, structure, ("MS", "SCI"), index, (), nowhere, none, none, ())


def perfect_forecaster(n_patient: int, draws: int) -> tuple[Fit, HeldOutYear]:
    """A fit that knows the population that made the data, which lack their last year."""
    whole = designed_plan(n_patient, 7)
    truth = point_posterior(SPEC, whole, 1, 1, spread=0.0, **TRUTH)
    y = replicate_cohort(
        whole, population_draws(SPEC, whole, truth), 0, np.random.default_rng(12)
    ).log_dose.reshape(n_patient, 7)
    seen = designed_plan(n_patient, 6)
    seen = replace(seen, series=replace(seen.series, daily_dose_ug=np.exp(y[:, :6].ravel())))
    held = HeldOutYear(
        dict.fromkeys(seen.series.patient_ids, 6.0),
        dict.fromkeys(seen.series.patient_ids, 7.0),
        dict(zip(seen.series.patient_ids, np.exp(y[:, 6]), strict=True)),
    )
    posterior = point_posterior(SPEC, seen, 4, draws, spread=0.0, **TRUTH)
    return fit_of(SPEC, seen, posterior), held


def test_a_perfect_forecaster_is_calibrated():
    n = 300
    fitted, held = perfect_forecaster(n, 100)
    scores = score_forecasts(fitted, held)
    assert scores.n_patient == n
    assert scores.coverage_50 == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / n))
    assert scores.coverage_90 == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / n))
    assert kstest(scores.pit, "uniform").pvalue > 0.01
    assert scores.mean_p_rise == pytest.approx(scores.rise_rate, abs=0.06)
    assert 0.0 < scores.brier_rise < scores.rise_rate * (1 - scores.rise_rate) + 0.02
    assert 1.2 < scores.width_90 < 2.5

    overconfident = point_posterior(
        SPEC, fitted.plan, 4, 100, spread=0.0, **(TRUTH | {"within_sd": 0.04, "drift_sd": 0.005})
    )
    worse = score_forecasts(fit_of(SPEC, fitted.plan, overconfident), held)
    assert worse.coverage_90 < 0.8
    assert worse.crps > scores.crps


def test_only_held_out_patients_are_scored():
    fitted, held = perfect_forecaster(6, 25)
    few = replace(held, t_target_years={"P1": 7.0, "P4": 7.0, "absent": 7.0})
    assert score_forecasts(fitted, few).n_patient == 2
    with pytest.raises(UsageError, match="no patient of the fit has a held-out reading"):
        score_forecasts(fitted, replace(held, t_target_years={}))


@pytest.mark.parametrize("observed", [-0.7, 0.1, 4.0])
def test_crps_equals_the_integral_of_the_squared_distance(observed):
    draws = np.array([-1.0, 0.0, 0.4, 0.4, 2.5])
    knots = np.unique([*draws, observed, -2.0, 5.0])

    def squared(x: float) -> float:
        return ((draws <= x).mean() - (x >= observed)) ** 2

    want = sum(quad(squared, a, b)[0] for a, b in pairwise(knots))
    assert crps_of_draws(draws, observed) == pytest.approx(want)


def test_crps_of_many_normal_draws_is_that_of_the_normal():
    draws = norm.ppf((np.arange(4000) + 0.5) / 4000)
    want = 0.8 * (2 * norm.cdf(0.8) - 1) + 2 * norm.pdf(0.8) - 1 / np.sqrt(np.pi)
    assert crps_of_draws(draws, 0.8) == pytest.approx(want, abs=1e-3)
