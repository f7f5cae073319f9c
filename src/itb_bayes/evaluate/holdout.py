"""Forecasts of a held-out last year: coverage, sharpness and rise probabilities.

Time-honest: the fit sees no record of any patient from their last year on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.series import DoseSeries, dose_series
from itb_bayes.errors import UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.patients import RISE_UG, conditionals_of
from itb_bayes.spec import DriftSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOutYear:
    """What is held out of a cohort.

    Attributes
    ----------
    until_years : mapping of patient_id to float
        As-of time of each patient: one year before the last reading.
    t_target_years, dose_target_ug : mapping of patient_id to float
        The reading to be forecast.
    """

    until_years: Mapping[str, float]
    t_target_years: Mapping[str, float]
    dose_target_ug: Mapping[str, float]


@dataclass(frozen=True)
class ForecastScores:
    """How a fit forecast the held-out readings.

    Attributes
    ----------
    n_patient : int
    coverage_50, coverage_90 : float
        Share of held-out log doses inside the central intervals.
    width_90 : float
        Median width of the 90 % interval, as a ratio of doses (upper over lower).
    crps : float
        Mean continuous ranked probability score on log dose; smaller is better.
    brier_rise : float
        Brier score of P(dose more than 100 µg/day above the present).
    rise_rate, mean_p_rise : float
        Observed share of rises, and the mean forecast probability.
    pit : ndarray, shape (n_patient,)
        Predictive distribution function at the held-out reading.
    """

    n_patient: int
    coverage_50: float
    coverage_90: float
    width_90: float
    crps: float
    brier_rise: float
    rise_rate: float
    mean_p_rise: float
    pit: Array


def hold_out_last_year(cohort: Cohort, spec: DriftSpec, years: float = 1.0) -> HeldOutYear:
    """Choose the readings to hold out, for patients followed beyond year 1 plus ``years``."""
    whole = dose_series(cohort, step_months=spec.series.step_months)
    target_t, target_dose = _last_readings(whole)
    until, t_target, dose_target = {}, {}, {}
    for pid, t, dose in zip(whole.patient_ids, target_t, target_dose, strict=True):
        until[pid] = t - years
        if t - years >= 1.0:
            t_target[pid], dose_target[pid] = float(t), float(dose)
    return HeldOutYear(until, t_target, dose_target)


def _last_readings(series: DoseSeries) -> tuple[Array, Array]:
    last = series.offsets[1:] - 1
    return series.t_years[last], series.daily_dose_ug[last]


def score_forecasts(fit: Fit, held_out: HeldOutYear) -> ForecastScores:
    """Score a fit made with ``until_years`` of ``held_out`` on the held-out readings.

    Raises
    ------
    UsageError
        If no patient of the fit has a held-out reading.
    """
    panel, ids = fit.plan.panel, fit.plan.series.patient_ids
    rows = []
    for i, pid in enumerate(ids):
        if pid not in held_out.t_target_years:
            continue
        t, y = panel.patient(i)
        observed = np.log(held_out.dose_target_ug[pid])
        now = np.exp(y[-1])
        times = np.full(2, held_out.t_target_years[pid])
        thresholds = np.array([observed, np.log(now + RISE_UG)])
        got = conditionals_of(fit.plan, fit.thinned, i, t, y, times, thresholds, fit.seed)
        q05, q25, q75, q95 = np.quantile(got.future[:, 0], (0.05, 0.25, 0.75, 0.95))
        rows.append(
            (
                q25 <= observed <= q75,
                q05 <= observed <= q95,
                q95 - q05,
                crps_of_draws(got.future[:, 0], observed),
                got.exceed[:, 1].mean(),
                np.exp(observed) > now + RISE_UG,
                got.cdf[:, 0].mean(),
            )
        )
    if not rows:
        raise UsageError("no patient of the fit has a held-out reading to be forecast.")
    in50, in90, width, crps, p, rose, pit = (
        np.array(column, float) for column in zip(*rows, strict=True)
    )
    return ForecastScores(
        n_patient=len(rows),
        coverage_50=float(in50.mean()),
        coverage_90=float(in90.mean()),
        width_90=float(np.exp(np.median(width))),
        crps=float(crps.mean()),
        brier_rise=float(((p - rose) ** 2).mean()),
        rise_rate=float(rose.mean()),
        mean_p_rise=float(p.mean()),
        pit=pit,
    )


def crps_of_draws(draws: Array, observed: float) -> float:
    """Return the continuous ranked probability score of an empirical forecast distribution.

    ``E|X - y| - E|X - X'| / 2`` (Gneiting & Raftery 2007, JASA 102:359).
    """
    ordered = np.sort(draws)
    n = ordered.size
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    spread = (weights * ordered).sum() / (n * n)
    return float(np.abs(draws - observed).mean() - spread)
