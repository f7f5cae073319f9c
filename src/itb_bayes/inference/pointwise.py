"""Log-likelihood of each patient for each posterior draw, all patient effects integrated out."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from itb_bayes.inference.population import population_draws
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import COLLAPSE
from itb_bayes.kernel.drift_likelihood import drift_log_likelihood, static_statistics
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import DriftSpec


def patient_log_likelihood(spec: DriftSpec, plan: DriftPlan, posterior: xr.Dataset) -> xr.DataArray:
    """Return log p(readings of patient i | population draw s), dims (chain, draw, patient).

    The unit of leave-one-out is the patient: readings of one share effects, so leaving out single
    readings would let a patient vouch for themselves.
    """
    population = population_draws(spec, plan, posterior)
    structure, series = plan.structure, plan.series
    y = np.log(series.daily_dose_ug)
    q = structure.n_effect + 1
    static = np.zeros((1, q, q))
    if structure.is_static:
        static = static_statistics(series.t_years, y, series.offsets)
    n_draw = len(population.cov)
    out = np.empty((n_draw, plan.n_patient))
    for s in range(n_draw):
        out[s] = drift_log_likelihood(
            population.means(s), population.cov[s], population.scalars[s], series.t_years, y,
            series.offsets, static, int(structure.process), structure.robust, structure.is_static,
        )[0]  # fmt: skip
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], plan.n_patient)
    return xr.DataArray(
        out.reshape(shape),
        dims=("chain", "draw", "patient"),
        coords={"chain": posterior["chain"], "draw": posterior["draw"]},
        name="readings",
    )


def regimes_pointwise(
    plan: RegimesPlan,
    draws: RegimesDraws,
    posterior: xr.Dataset,
    on_draw: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Return what the filter says about every patient, for each draw of the population.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
        Kernel parameters of ``posterior``, draw by draw.
    posterior : xarray.Dataset
        Gives chains and draws their labels.
    on_draw : callable, optional
        Called with the number of draws done.

    Returns
    -------
    xarray.Dataset
        ``records``, log p(records of the patient | draw), dims (chain, draw, patient), and
        ``now``, the probability of every explanation at their last step, with a further dimension
        ``explanation``.
    """
    n = plan.n_patient
    records = np.empty((draws.n_draw, n))
    now = np.empty((draws.n_draw, n, len(EXPLANATIONS)))
    last = plan.offsets[1:] - 1
    for s in range(draws.n_draw):
        ll, belief, _, _, _ = trace(draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets)
        records[s] = ll
        now[s] = belief[last, :, 0] @ COLLAPSE
        if on_draw is not None:
            on_draw(s + 1)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], n)
    dims = ("chain", "draw", "patient")
    return xr.Dataset(
        {
            "records": (dims, records.reshape(shape)),
            "now": ((*dims, "explanation"), now.reshape(*shape, len(EXPLANATIONS))),
        },
        coords={
            "chain": posterior["chain"],
            "draw": posterior["draw"],
            "explanation": list(EXPLANATIONS),
        },
    )
