"""The spasticity model as a PyMC model."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.kernel.ashworth import (
    HIGHEST_THRESHOLD,
    LOGISTIC_SD,
    LOWEST_THRESHOLD,
    SCORES,
)
from itb_bayes.model.priors import random_variable
from itb_bayes.model.spasticity_plan import PHASES, SpasticityPlan
from itb_bayes.spec import SpasticitySpec


def build_spasticity(spec: SpasticitySpec, plan: SpasticityPlan) -> pm.Model:
    """Build the PyMC model of a spasticity plan.

    Free variables, in points: ``tone_before``, ``tone_after``, ``tone_end``, ``untreated_sd``,
    ``treated_sd``, ``visit_sd``, ``muscle_sd``; where thresholds are free ``step_width`` (step);
    standard normal ``untreated_z``, ``treated_z`` (patient) and ``visit_z`` (patient, treated).
    Readings enter through ``pm.Data``.

    Returns
    -------
    pymc.Model
    """
    n_category = len(SCORES[plan.scale])
    coords = {
        "patient": list(range(plan.n_patient)),
        "treated": list(PHASES[1:]),
        "step": list(range(n_category - 2)),
    }
    counts, log_ways = plan.padded()
    with pm.Model(coords=coords) as model:
        tone = _tone(spec)[
            pm.Data("patient_index", plan.patient), pm.Data("phase_index", plan.phase)
        ]
        log_p = _log_probabilities(spec, tone, n_category)
        ways = (pm.Data("scores", counts) * log_p[:, None, :]).sum(axis=2)
        pm.Potential(
            "log_likelihood", pt.logsumexp(ways + pm.Data("log_ways", log_ways), axis=1).sum()
        )
    return model


def _tone(spec: SpasticitySpec) -> Any:
    """Return the tone of every patient and phase, shape (patient, 3)."""
    priors = spec.resolved_priors
    before, after, end = (
        random_variable(f"tone_{name}", priors[f"tone_{name}"]) for name in PHASES
    )
    untreated, treated, visit = (
        random_variable(name, priors[name]) for name in ("untreated_sd", "treated_sd", "visit_sd")
    )
    own = treated * pm.Normal("treated_z", dims="patient")
    passing = visit * pm.Normal("visit_z", dims=("patient", "treated"))
    return pt.stack(
        [
            before + untreated * pm.Normal("untreated_z", dims="patient"),
            after + own + passing[:, 0],
            end + own + passing[:, 1],
        ],
        axis=1,
    )


def _log_probabilities(spec: SpasticitySpec, tone: Any, n_category: int) -> Any:
    """Return the log probability of every score, shape (reading, category)."""
    priors = spec.resolved_priors
    if spec.thresholds.kind == "free":
        width = random_variable("step_width", priors["step_width"], "step")
    else:
        width = pt.ones(n_category - 2)
    span = HIGHEST_THRESHOLD - LOWEST_THRESHOLD
    inner = LOWEST_THRESHOLD + span * pt.cumsum(width) / width.sum()
    cuts = pt.concatenate([np.array([LOWEST_THRESHOLD]), inner])
    scale = random_variable("muscle_sd", priors["muscle_sd"]) / LOGISTIC_SD
    x = (cuts[None, :] - tone[:, None]) / scale
    below, above = -pt.softplus(-x), -pt.softplus(x)  # log F and log (1 - F)
    between = below[:, 1:] + above[:, :-1] + pt.log(-pt.expm1(x[:, :-1] - x[:, 1:]))
    return pt.concatenate([below[:, :1], between, above[:, -1:]], axis=1)
