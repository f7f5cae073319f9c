"""Comparison of fits by what came after a landmark: leave-one-patient's-future-out.

For each patient, how probable were the records after the landmark, given those up to it and a
population that has not seen them? Likelihoods of the filter and of the drift model factor over
time, so log p(later records | earlier ones) is a difference of two likelihoods, exact given the
population. The population posterior without the patient's later records is had by Pareto-smoothed
weights 1 / p(later | earlier) (Vehtari, Gelman & Gabry 2017; leave-future-out: Bürkner, Gabry &
Vehtari 2020, J Stat Comput Simul 90:2499). Other patients' later records stay in it: this asks
about the future of one patient in a clinic that has others. The future of the whole clinic is
asked about by :mod:`itb_bayes.evaluate.clinic_futures`.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.loo import leave_patients_out
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.compare import (
    AnyFit,
    ComparisonRow,
    FitScore,
    comparison_rows,
    refuse_incomparable,
)
from itb_bayes.evaluate.crossval.folds import subset_plan
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import DriftSpec

Index = NDArray[np.int64]

LEAST_PATIENTS = 5
EDGE = 1e-6


def compare_futures(fits: Sequence[AnyFit], after_years: float) -> tuple[ComparisonRow, ...]:
    """Compare fits of the same records by what came after a landmark, best first.

    Parameters
    ----------
    fits : sequence of Fit or RegimesFit
    after_years : float
        The landmark, in years since implant.

    Raises
    ------
    UsageError
        If fits cannot be compared (:func:`~itb_bayes.evaluate.compare.compare_fits`), or fewer
        than five patients have records on both sides of the landmark.
    GateError
        If one of them did not pass its gate.
    """
    refuse_incomparable(fits)
    return comparison_rows([_score(fit, after_years) for fit in fits])


def _score(fit: AnyFit, after_years: float) -> FitScore:
    if isinstance(fit, RegimesFit):
        posterior, density = fit.thinned, regimes_futures(fit, after_years)
    else:
        posterior, density = fit.posterior, drift_futures(fit, after_years)
    return FitScore(fit.spec.name, fit.run_id, leave_patients_out(posterior, density))


def patients_across(t_years: NDArray[np.float64], offsets: Index, after_years: float) -> Index:
    """Return the patients with records up to a landmark and after it.

    Raises
    ------
    UsageError
        If they are fewer than five.
    """
    first, last = t_years[offsets[:-1]], t_years[offsets[1:] - 1]
    across = np.flatnonzero((first <= after_years + EDGE) & (last > after_years + EDGE))
    if across.size < LEAST_PATIENTS:
        raise UsageError(
            f"only {across.size} patients have records both up to year {after_years:g} and after "
            f"it, and {LEAST_PATIENTS} are needed; choose another --after."
        )
    return across


def drift_futures(fit: Fit, after_years: float) -> xr.DataArray:
    """Return log p(doses after a landmark | doses up to it, draw), dims (chain, draw, patient).

    Raises
    ------
    UsageError
        If fewer than five patients have doses on both sides.
    """
    return drift_later(fit.spec, fit.plan, fit.posterior, after_years)


def drift_later(
    spec: DriftSpec, plan: DriftPlan, posterior: xr.Dataset, after_years: float
) -> xr.DataArray:
    """Return the same under any draws of the population parameters."""
    series = plan.series
    across = patients_across(series.t_years, series.offsets, after_years)
    whole, known = (drift_part(plan, across, until) for until in (np.inf, after_years))
    later = patient_log_likelihood(spec, whole, posterior)
    return later - patient_log_likelihood(spec, known, posterior)


def drift_part(plan: DriftPlan, patients: Index, until_years: float) -> DriftPlan:
    """Return the plan of some patients, with their readings up to a time.

    Each of them must have at least one such reading.
    """
    series = plan.series
    known = series.t_years <= until_years + EDGE
    return subset_plan(plan, known & np.isin(series.patient, patients))


def regimes_futures(fit: RegimesFit, after_years: float) -> xr.DataArray:
    """Return log p(records after a landmark | records up to it, draw), dims (chain, draw, patient).

    Raises
    ------
    UsageError
        If fewer than five patients have records on both sides.
    """
    return regimes_later(fit.plan, fit.thinned, after_years)


def regimes_later(plan: RegimesPlan, posterior: xr.Dataset, after_years: float) -> xr.DataArray:
    """Return the same under any draws of the population parameters."""
    draws = regimes_draws(plan, posterior)
    across = patients_across(plan.t_years, plan.offsets, after_years)
    later = plan.t_years > after_years + EDGE
    owner = plan.step_patient[later]

    def run(s: int) -> NDArray[np.float64]:
        own = np.ascontiguousarray(draws.own[s])
        by_step = trace(draws.g[s], own, plan.data, plan.codes, plan.offsets)[4]
        return np.bincount(owner, by_step[later], minlength=plan.n_patient)[across]

    found = np.stack(map_in_threads(run, draws.n_draw))
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], across.size)
    return xr.DataArray(
        found.reshape(shape),
        dims=("chain", "draw", "patient"),
        coords={"chain": posterior["chain"], "draw": posterior["draw"]},
        name="records",
    )
