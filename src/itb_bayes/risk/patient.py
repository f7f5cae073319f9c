"""What a drift fit says about each patient, with everything a page needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.population import flatten
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.prior_scaling import PriorScaling, Scaled
from itb_bayes.risk.rule import RISE_UG, RuleCount, count_rule

Array = NDArray[np.float64]
Status = Literal["ok", "limited", "not estimated"]

MINIMUM_READINGS = 3
MINIMUM_YEARS = 1.0
LIMITED_READINGS = 6
STALE_YEARS = 1.0
"""A record whose last reading is older than this, as of the as-of date, is stale."""

PLAUSIBLE_DOSE_UG = (10.0, 2000.0)
"""Doses in force outside this are outside what was studied (label: 12 to 2,003 ug/day)."""

N_DOTS = 20
N_BATCH = 20
_DAY_YEARS = 1.0 / 365.25


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
    """One patient as of their last reading.

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
        their diagnosis.
    forecasts : tuple of Forecast
        Empty where not estimated.
    group_rule : RuleCount
        How often the 100 µg rule flagged patients of this diagnosis in the cohort.
    scaled : tuple of Scaled
        What ``p_rise`` of the last horizon would be under weaker and stronger priors; empty where
        not estimated.
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
    scaled: tuple[Scaled, ...] = ()

    @property
    def rule_flagged(self) -> bool:
        """Whether the 100 µg rule flags the year before the last reading."""
        return self.last_year_rise_ug > RISE_UG


def summarise_patients(
    fit: Fit,
    horizons_months: tuple[float, ...] = (12.0,),
    as_of_years: Mapping[str, float] | None = None,
) -> tuple[PatientSummary, ...]:
    """Summarise every patient of a fit.

    Parameters
    ----------
    fit : Fit
        A fit that passed its gate (see :meth:`Fit.require_gate`).
    horizons_months : tuple of float
        Increasing forecast horizons.
    as_of_years : mapping of patient_id to float, optional
        As-of time of patients (years since implant): a record that ended long before gives no
        numbers. Without it a record is judged by its own end.

    Returns
    -------
    tuple of PatientSummary
        In the order of the cohort.
    """
    plan, series = fit.plan, fit.plan.series
    draws = fit.patients(horizons_months)
    used = thin(fit.posterior)
    typical = flatten(used)["drift"].to_numpy()
    scaling, until = PriorScaling.of(fit.spec, used), dict(as_of_years or {})
    offsets = series.offsets
    groups = [count_rule(series, plan.diagnosis_index == d) for d in range(len(plan.diagnoses))]
    out = []
    for i, patient_id in enumerate(series.patient_ids):
        rows = slice(offsets[i], offsets[i + 1])
        t, dose = series.t_years[rows], series.daily_dose_ug[rows]
        status, reasons = judge_record(
            t, int(series.n_rows[i]), series.ended[i], until.get(patient_id), float(dose[-1])
        )
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
                scaled=scaling.told(draws.p_rise[:, i, -1:]) if estimated else (),
            )
        )
    return tuple(out)


def implausible_dose(dose_ug: float) -> str:
    """Return why a dose in force gives no numbers; empty where it may."""
    low, high = PLAUSIBLE_DOSE_UG
    if low <= dose_ug <= high:
        return ""
    return f"the dose in force lies outside {low:g} to {high:g} µg/day, the range of the model"


def judge_record(
    t_years: Array, n_rows: int, ended: str, as_of_years: float | None = None,
    dose_ug: float | None = None,
) -> tuple[Status, tuple[str, ...]]:  # fmt: skip
    """Return whether a patient's record supports numbers, and why not.

    Parameters
    ----------
    t_years : ndarray, shape (n_reading,)
        Times of the readings.
    n_rows : int
        Dose rows that the readings rest on.
    ended : str
        Why treatment does not go on; empty if it does.
    as_of_years : float, optional
        As-of time, years since implant; the last reading where not given.
    dose_ug : float, optional
        In force at the last reading, µg/day.
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
    stale = stale_reason("reading of the dose", t_years, float(t_years[-1]), as_of_years)
    if stale:
        return "not estimated", (stale,)
    beyond = "" if dose_ug is None else implausible_dose(dose_ug)
    if beyond:
        return "not estimated", (beyond,)
    if n_rows < MINIMUM_READINGS:
        return "limited", (f"only {n_rows} dose rows, taken to hold until follow-up ends",)
    if t_years.size < LIMITED_READINGS:
        return "limited", (
            f"{t_years.size} dose readings: the estimate leans on other patients of the group",
        )
    return "ok", ()


def stale_reason(what: str, t_years: Array, end_years: float, as_of_years: float | None) -> str:
    """Return why a record is too old to be told of as the present; empty where it is not.

    Parameters
    ----------
    what : str
        Kind of reading, in words.
    t_years : ndarray
        Times of these readings.
    end_years : float
        End of the record, against which it is judged where no as-of time is known.
    as_of_years : float or None
    """
    known = as_of_years is not None
    age = (as_of_years if as_of_years is not None else end_years) - float(t_years.max())
    if age <= STALE_YEARS + _DAY_YEARS:
        return ""
    than = "as-of date" if known else "end of the record"
    return (
        f"the last {what} is {12 * age:.0f} months older than the {than}; at most "
        f"{12 * STALE_YEARS:g} are accepted"
    )


def _forecast(horizon: float, log_dose: Array, p_rise: Array) -> Forecast:
    dose = np.exp(log_dose)
    dots = np.quantile(dose, (np.arange(N_DOTS) + 0.5) / N_DOTS)
    return Forecast(
        horizon, Interval.of(dose), tuple(float(x) for x in dots), Probability.of(p_rise)
    )
