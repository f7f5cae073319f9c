"""What a drift fit says about each patient, with everything a page needs."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.population import flatten
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.rule import RISE_UG, RuleCount, count_rule

Array = NDArray[np.float64]
Status = Literal["ok", "limited", "not estimated"]

MINIMUM_READINGS = 3
MINIMUM_YEARS = 1.0
LIMITED_READINGS = 6
N_DOTS = 20
N_BATCH = 20


@dataclass(frozen=True)
class Probability:
    """A posterior probability, its spread over population parameters, and its simulation error.

    Attributes
    ----------
    value : float
        Everything integrated out.
    low, high : float
        5 and 95 % quantiles, over the population parameters, of the probability given them.
    mcse : float
        Monte Carlo standard error of ``value``, by batch means within chains.
    """

    value: float
    low: float
    high: float
    mcse: float

    @classmethod
    def of(cls, given_draw: Array) -> "Probability":
        """Return the probability from its conditional values per draw.

        Parameters
        ----------
        given_draw : ndarray, shape (n_draw,)
            Chain after chain, in the order they were drawn: batches of neighbours carry the
            autocorrelation into the standard error.
        """
        low, high = np.quantile(given_draw, (0.05, 0.95))
        n_batch = min(N_BATCH, given_draw.size)
        batches = [part.mean() for part in np.array_split(given_draw, n_batch)]
        error = float(np.std(batches, ddof=1) / np.sqrt(n_batch))
        return cls(float(given_draw.mean()), float(low), float(high), error)


@dataclass(frozen=True)
class Forecast:
    """Daily dose after one horizon.

    Attributes
    ----------
    horizon_months : float
    dose_ug : Interval
    dots_ug : tuple of float
        20 equally likely doses (quantiles at 2.5, 7.5, … 97.5 %).
    p_rise : Probability
        Of a dose more than 100 µg/day above the present one.
    """

    horizon_months: float
    dose_ug: Interval
    dots_ug: tuple[float, ...]
    p_rise: Probability


@dataclass(frozen=True)
class PatientSummary:
    """One patient as of his last reading.

    Attributes
    ----------
    patient_id, diagnosis : str
    centre : str or None
    index : int
        Position in the fit.
    as_of_years : float
        Years since implant of the last reading; every number is as of then.
    t_years, dose_ug : ndarray, shape (n_reading,)
        Readings of the dose in force.
    status : {"ok", "limited", "not estimated"}
    reasons : tuple of str
        Why the status is not "ok".
    dose_now_ug : float
    last_year_rise_ug : float
        Change of the dose in force over the year before the last reading; NaN where that reaches
        into the first year or the dose was interrupted.
    drift_percent : Interval or None
        Yearly change of the patient's own line; None where not estimated.
    drift_above_diagnosis : float or None
        Posterior probability that this patient's line rises faster than the typical patient's of
        his diagnosis.
    forecasts : tuple of Forecast
        Empty where not estimated.
    group_rule : RuleCount
        How often the 100 µg rule flagged patients of this diagnosis in the cohort.
    """

    patient_id: str
    diagnosis: str
    centre: str | None
    index: int
    as_of_years: float
    t_years: Array
    dose_ug: Array
    status: Status
    reasons: tuple[str, ...]
    dose_now_ug: float
    last_year_rise_ug: float
    drift_percent: Interval | None
    drift_above_diagnosis: float | None
    group_rule: RuleCount
    forecasts: tuple[Forecast, ...] = field(default=())

    @property
    def rule_flagged(self) -> bool:
        """Whether the 100 µg rule flags the year before the last reading."""
        return self.last_year_rise_ug > RISE_UG


def summarise_patients(
    fit: Fit, horizons_months: tuple[float, ...] = (12.0,)
) -> tuple[PatientSummary, ...]:
    """Summarise every patient of a fit.

    Parameters
    ----------
    fit : Fit
        A fit that passed its gate (see :meth:`Fit.require_gate`).
    horizons_months : tuple of float
        Increasing forecast horizons.

    Returns
    -------
    tuple of PatientSummary
        In the order of the cohort.
    """
    plan, series = fit.plan, fit.plan.series
    draws = fit.patients(horizons_months)
    typical = flatten(thin(fit.posterior))["drift"].to_numpy()
    offsets = series.offsets
    groups = [count_rule(series, plan.diagnosis_index == d) for d in range(len(plan.diagnoses))]
    out = []
    for i, patient_id in enumerate(series.patient_ids):
        rows = slice(offsets[i], offsets[i + 1])
        t, dose = series.t_years[rows], series.daily_dose_ug[rows]
        status, reasons = judge_record(t, int(series.n_rows[i]), series.ended[i])
        estimated = status != "not estimated"
        forecasts = tuple(
            _forecast(horizon, draws.future_log_dose[:, i, k], draws.p_rise[:, i, k])
            for k, horizon in enumerate(horizons_months)
        )
        percent = 100.0 * np.expm1(draws.drift[:, i])
        out.append(
            PatientSummary(
                patient_id=patient_id,
                diagnosis=plan.diagnoses[plan.diagnosis_index[i]],
                centre=plan.centres[plan.centre_index[i]] if plan.centres else None,
                index=i,
                as_of_years=float(t[-1]),
                t_years=t,
                dose_ug=dose,
                status=status,
                reasons=reasons,
                dose_now_ug=float(dose[-1]),
                last_year_rise_ug=float(dose[-1] - series.dose_year_before_ug[i]),
                drift_percent=Interval.of(percent) if estimated else None,
                drift_above_diagnosis=(
                    float((draws.drift[:, i] > typical[:, plan.diagnosis_index[i]]).mean())
                    if estimated
                    else None
                ),
                group_rule=groups[plan.diagnosis_index[i]],
                forecasts=forecasts if estimated else (),
            )
        )
    return tuple(out)


def judge_record(t_years: Array, n_rows: int, ended: str) -> tuple[Status, tuple[str, ...]]:
    """Return whether a patient's record supports numbers, and why not.

    Parameters
    ----------
    t_years : ndarray, shape (n_reading,)
        Times of the readings.
    n_rows : int
        Dose rows that the readings rest on.
    ended : str
        Why treatment does not go on; empty if it does.
    """
    if ended:
        return "not estimated", (f"treatment does not go on: {ended}",)
    span = float(t_years[-1] - t_years[0])
    if t_years.size < MINIMUM_READINGS or span < MINIMUM_YEARS:
        why = (
            f"only {t_years.size} dose readings over {span:.1f} years; at least "
            f"{MINIMUM_READINGS} over {MINIMUM_YEARS:g} year are needed"
        )
        return "not estimated", (why,)
    if n_rows < MINIMUM_READINGS:
        return "limited", (f"only {n_rows} dose rows, taken to hold until follow-up ends",)
    if t_years.size < LIMITED_READINGS:
        return "limited", (
            f"{t_years.size} dose readings: the estimate leans on other patients of the group",
        )
    return "ok", ()


def _forecast(horizon: float, log_dose: Array, p_rise: Array) -> Forecast:
    dose = np.exp(log_dose)
    dots = np.quantile(dose, (np.arange(N_DOTS) + 0.5) / N_DOTS)
    return Forecast(
        horizon, Interval.of(dose), tuple(float(x) for x in dots), Probability.of(p_rise)
    )
