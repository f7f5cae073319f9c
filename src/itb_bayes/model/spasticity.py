"""The spasticity model as a PyMC model: population parameters only.

Patients' and visits' tones are integrated out by Gauss-Hermite quadrature. Readings of one kind
(so many muscles, such a mean) have one likelihood at a tone, whoever has them, so that the work
does not grow with the number of patients.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.kernel.ashworth import (
    HIGHEST_THRESHOLD,
    LOGISTIC_SD,
    LOWEST_THRESHOLD,
    N_PATIENT_NODE,
    N_UNTREATED_NODE,
    N_VISIT_NODE,
    SCORES,
    normal_nodes,
)
from itb_bayes.model.priors import random_variable
from itb_bayes.model.spasticity_plan import PHASES, SpasticityPlan
from itb_bayes.spec import SpasticitySpec


def build_spasticity(spec: SpasticitySpec, plan: SpasticityPlan) -> pm.Model:
    """Build the PyMC model of a spasticity plan.

    Free variables, in points: ``tone_before``, ``tone_after``, ``tone_end``, ``untreated_sd``,
    ``treated_sd``, ``visit_sd``, ``muscle_sd``; where thresholds are free ``step_width`` (step).
    Readings enter through ``pm.Data``.

    Returns
    -------
    pymc.Model
    """
    n_category = len(SCORES[plan.scale])
    readings = plan.readings
    with pm.Model(coords={"step": list(range(n_category - 2))}) as model:
        priors = spec.resolved_priors
        tone = [random_variable(f"tone_{name}", priors[f"tone_{name}"]) for name in PHASES]
        untreated, treated, visit = (
            random_variable(f"{name}_sd", priors[f"{name}_sd"])
            for name in ("untreated", "treated", "visit")
        )
        of_tone = _Likelihood(
            _cuts(spec, n_category),
            random_variable("muscle_sd", priors["muscle_sd"]) / LOGISTIC_SD,
            pm.Data("scores", readings.counts),
            pm.Data("log_ways", readings.log_ways),
        )
        seen = [pm.Data(f"readings_{name}", readings.of_phase[k]) for k, name in enumerate(PHASES)]
        nodes, log_w = normal_nodes(N_UNTREATED_NODE)
        before = seen[0] @ of_tone(tone[0] + untreated * nodes) + log_w
        pm.Potential("log_likelihood_before", pt.logsumexp(before, axis=1).sum())
        own, log_own = normal_nodes(N_PATIENT_NODE)
        passing, log_passing = normal_nodes(N_VISIT_NODE)
        around = (treated * own[:, None] + visit * passing).ravel()
        both = log_own[None, :]
        for k in (1, 2):
            at = seen[k] @ of_tone(tone[k] + around)
            at = at.reshape((-1, own.size, passing.size)) + log_passing
            both = both + pt.logsumexp(at, axis=2)
        pm.Potential("log_likelihood_treated", pt.logsumexp(both, axis=1).sum())
    return model


class _Likelihood:
    """Log likelihood of every kind of reading at given tones."""

    def __init__(self, cuts: Any, scale: Any, counts: Any, log_ways: Any) -> None:
        self._cuts, self._scale = cuts, scale
        self._counts, self._log_ways = counts, log_ways

    def __call__(self, tone: Any) -> Any:
        """Return it for tones of shape (n_tone,), shape (n_kind, n_tone)."""
        x = (self._cuts[None, :] - tone[:, None]) / self._scale
        below, above = -pt.softplus(-x), -pt.softplus(x)  # log F and log (1 - F)
        between = below[:, 1:] + above[:, :-1] + pt.log(-pt.expm1(x[:, :-1] - x[:, 1:]))
        log_p = pt.concatenate([below[:, :1], between, above[:, -1:]], axis=1)
        ways = pt.tensordot(self._counts, log_p.T, axes=1) + self._log_ways[:, :, None]
        return pt.logsumexp(ways, axis=1)


def _cuts(spec: SpasticitySpec, n_category: int) -> Any:
    """Return the thresholds of the scale, shape (n_category - 1,)."""
    if spec.thresholds.kind == "free":
        width = random_variable("step_width", spec.resolved_priors["step_width"], "step")
    else:
        width = pt.ones(n_category - 2)
    span = HIGHEST_THRESHOLD - LOWEST_THRESHOLD
    inner = LOWEST_THRESHOLD + span * pt.cumsum(width) / width.sum()
    return pt.concatenate([np.array([LOWEST_THRESHOLD]), inner])
