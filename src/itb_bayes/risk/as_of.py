"""As of when the numbers of fitted and new patients are: how old each record is by then."""

import datetime
from collections.abc import Mapping, Sequence

import numpy as np

from itb_bayes.cohort.asof import AsOf, as_of_years
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit

_DAY_YEARS = 1.5 / 365.25


def as_of_times(
    fit: Fit | RegimesFit, unseen: Cohort | None, dates: Cohort | None, when: AsOf | None
) -> dict[str, float]:
    """Return the as-of time of every patient who is told about, years since implant.

    Parameters
    ----------
    fit : Fit or RegimesFit
    unseen : Cohort or None
        The patients told about, where the fit has not seen them.
    dates : Cohort or None
        The cohort that was fitted.
    when : date, float or None
        What was asked for.

    Returns
    -------
    dict
        Empty where neither a time was asked for nor dates are known: records are then judged by
        their own end.

    Raises
    ------
    UsageError
        If both cohorts are given, a day is asked for without dates, or ``dates`` lacks fitted
        patients.
    """
    if unseen is not None:
        if dates is not None:
            raise UsageError(
                "--dates gives the calendar of the fitted patients, --cohort other patients, whose "
                "dates it holds already: leave --dates out."
            )
        return as_of_years(unseen, when)
    ids = patients_of(fit)
    if dates is None:
        if isinstance(when, datetime.date):
            raise UsageError(
                "--as-of is a day, and fits hold times since implant: give the fitted cohort with "
                "--dates; its dates say how old each record is on that day."
            )
        return {} if when is None else dict.fromkeys(ids, float(when))
    found = as_of_years(dates, when)
    missing = [who for who in ids if who not in found]
    if missing and found:
        raise UsageError(
            f"{len(missing)} of the {len(ids)} fitted patients are not in cohort {dates.name!r}; "
            "name the cohort that was fitted with --dates."
        )
    if not found:
        raise UsageError(
            f"cohort {dates.name!r} has times since implant, not dates: leave --dates out."
        )
    return {who: found[who] for who in ids}


def refuse_later_records(
    fit: Fit | RegimesFit, wanted: Sequence[int], until_years: Mapping[str, float]
) -> None:
    """Refuse an as-of time before the end of a record that was fitted.

    Raises
    ------
    UsageError
        If numbers would be as of a time of which they know more.
    """
    ids, ends = patients_of(fit), _ends(fit)
    late = [i for i in wanted if ends[i] > until_years.get(ids[i], np.inf) + _DAY_YEARS]
    if late:
        raise UsageError(
            f"{len(late)} of the {len(wanted)} patients have records after the as-of time, and the "
            "fit has seen them. Give a later --as-of, or fit again with --until."
        )


def patients_of(fit: Fit | RegimesFit) -> tuple[str, ...]:
    """Return the fitted patients, in the order of the fit."""
    return fit.plan.series.patient_ids if isinstance(fit, Fit) else fit.plan.patient_ids


def _ends(fit: Fit | RegimesFit) -> np.ndarray:
    if isinstance(fit, Fit):
        series = fit.plan.series
        return np.asarray(series.t_years[series.offsets[1:] - 1])
    return np.asarray(fit.plan.t_last)
