"""Log-likelihood of each patient for each posterior draw, all patient effects integrated out."""

import numpy as np
import xarray as xr

from itb_bayes.inference.population import population_draws
from itb_bayes.kernel.drift_likelihood import drift_log_likelihood, static_statistics
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec


def patient_log_likelihood(spec: DriftSpec, plan: DriftPlan, posterior: xr.Dataset) -> xr.DataArray:
    """Return log p(readings of patient i | population draw s), dims (chain, draw, patient).

    The unit of leave-one-out is the patient: his readings share his effects, so leaving out single
    readings would let a patient vouch for himself.
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
