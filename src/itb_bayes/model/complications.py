"""The complications model as a PyMC model."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.model.complications_plan import ComplicationsPlan
from itb_bayes.model.priors import random_variable
from itb_bayes.spec import ComplicationsSpec


def build_complications(spec: ComplicationsSpec, plan: ComplicationsPlan) -> pm.Model:
    """Build the PyMC model of a complications plan.

    Free variables: ``<complication>_rate`` (events per patient-year at the typical centre),
    ``between_sd`` (complication) on the log rate, ``deviation`` (cell), standard normal.
    Deterministic: ``rate`` (cell), events per patient-year of every study. Counts enter through
    ``pm.Data``.

    Returns
    -------
    pymc.Model
    """
    counts = plan.counts
    possible = counts.possible
    coords = {"complication": list(plan.complications), "cell": list(plan.cells)}
    with pm.Model(coords=coords) as model:
        priors = spec.resolved_priors
        typical = pt.stack(
            [random_variable(f"{c}_rate", priors[f"{c}_rate"]) for c in plan.complications]
        )
        spread = random_variable("between_sd", priors["between_sd"], "complication")
        of = pm.Data("complication_index", plan.complication_index)
        log_rate = pt.log(typical)[of] + spread[of] * pm.Normal("deviation", dims="cell")
        pm.Deterministic("rate", pt.exp(log_rate), dims="cell")
        k = pm.Data("count", np.nan_to_num(possible))
        closed: Any = pm.Data("closed", np.where(np.isnan(possible), -np.inf, 0.0))
        log_mean = log_rate + pm.Data("log_patient_years", np.log(counts.patient_years))
        each = k * log_mean[:, None] - pt.gammaln(k + 1.0) + closed
        pm.Potential("log_likelihood", (pt.logsumexp(each, axis=1) - pt.exp(log_mean)).sum())
    return model
