"""Spasticity fits on disk."""

from functools import cached_property
from typing import ClassVar

import numpy as np
import xarray as xr

from itb_bayes.inference.population import flatten
from itb_bayes.inference.stored import StoredFit
from itb_bayes.kernel.ashworth import (
    LOGISTIC_SD,
    SCORES,
    expected_score,
    normal_nodes,
    thresholds,
)
from itb_bayes.model.spasticity_plan import PHASES, SpasticityPlan
from itb_bayes.spec import SpasticitySpec

CONTRASTS = (("after", "before"), ("end", "before"), ("end", "after"))
N_REPLICATE = 500
_N_NODE = 15


class SpasticityFit(StoredFit[SpasticitySpec, SpasticityPlan]):
    """A fitted spasticity model."""

    unconverged_help: ClassVar[str] = "a spasticity fit prints nothing until it has converged."

    @cached_property
    def scores(self) -> xr.Dataset:
        """Mean scores and contrasts per draw; see :func:`mean_scores`."""
        return mean_scores(self.plan, self.posterior)

    @cached_property
    def replicated(self) -> np.ndarray:
        """Mean scores of replicated cohorts; see :func:`replicated_means`."""
        return replicated_means(self.plan, self.posterior, N_REPLICATE, self.seed)


def mean_scores(plan: SpasticityPlan, posterior: xr.Dataset) -> xr.Dataset:
    """Return mean scores per draw, in points of the scale that is shown, dims (chain, draw, ...).

    Variables
    ---------
    population_score (phase)
        Mean score of a muscle over patients and visits of the population.
    difference (contrast)
        Differences of ``population_score``.
    """
    flat = flatten(posterior)
    scores = np.array(SCORES[plan.scale])
    cuts = _cuts(flat, scores.size)
    mean = np.stack([flat[f"tone_{name}"].to_numpy() for name in PHASES], axis=1)
    treated = np.hypot(flat["treated_sd"].to_numpy(), flat["visit_sd"].to_numpy())
    spread = np.stack([flat["untreated_sd"].to_numpy(), treated, treated], axis=1)
    nodes, log_weights = normal_nodes(_N_NODE)
    tone = mean[..., None] + spread[..., None] * nodes
    muscle_sd = flat["muscle_sd"].to_numpy()[:, None, None]
    each = expected_score(tone, cuts[:, None, None, :], muscle_sd, scores)
    population = plan.shown_from + each @ np.exp(log_weights)
    pairs = [(PHASES.index(a), PHASES.index(b)) for a, b in CONTRASTS]
    difference = np.stack([population[:, a] - population[:, b] for a, b in pairs], axis=1)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    return xr.Dataset(
        {
            "population_score": (["chain", "draw", "phase"], population.reshape(*shape, -1)),
            "difference": (["chain", "draw", "contrast"], difference.reshape(*shape, -1)),
        },
        coords={
            "chain": posterior["chain"],
            "draw": posterior["draw"],
            "phase": list(PHASES),
            "contrast": [f"{a} - {b}" for a, b in CONTRASTS],
        },
    )


def _cuts(flat: xr.Dataset, n_category: int) -> np.ndarray:
    """Return the thresholds of every draw, shape (n_draw, n_category - 1)."""
    if "step_width" in flat:
        return np.array([thresholds(width) for width in flat["step_width"].to_numpy()])
    equal = thresholds(np.ones(n_category - 2))
    return np.broadcast_to(equal, (flat.sizes["sample"], n_category - 1))


def replicated_means(
    plan: SpasticityPlan, posterior: xr.Dataset, n_draw: int, seed: int
) -> np.ndarray:
    """Return mean scores of replicated cohorts: new patients, the same visits and muscles.

    Parameters
    ----------
    plan : SpasticityPlan
    posterior : xarray.Dataset
    n_draw : int
        Replicated cohorts, each from another draw.
    seed : int

    Returns
    -------
    ndarray, shape (n_draw, 3)
        Mean over patients by phase, on the scale that is shown.
    """
    flat = flatten(posterior)
    picked = np.linspace(0, flat.sizes["sample"] - 1, n_draw).round().astype(int)
    scores, cuts = np.array(SCORES[plan.scale]), _cuts(flat, len(SCORES[plan.scale]))
    out = np.empty((n_draw, len(PHASES)))
    for row, s in enumerate(picked):
        one, rng = flat.isel(sample=int(s)), np.random.default_rng([seed, 0x5A, row])
        tone = np.array([one[f"tone_{name}"].item() for name in PHASES])
        effect = np.empty((plan.n_patient, len(PHASES)))
        effect[:, 0] = one["untreated_sd"].item() * rng.standard_normal(plan.n_patient)
        own = one["treated_sd"].item() * rng.standard_normal((plan.n_patient, 1))
        effect[:, 1:] = own + one["visit_sd"].item() * rng.standard_normal((plan.n_patient, 2))
        at = (tone + effect)[plan.patient, plan.phase]
        scale = one["muscle_sd"].item() / LOGISTIC_SD
        total = np.zeros((plan.n_patient, len(PHASES)))
        muscles = np.zeros_like(total)
        for k, n in enumerate(plan.n_muscles):
            latent = at[k] + scale * rng.logistic(size=int(n))
            here = (plan.patient[k], plan.phase[k])
            total[here] += scores[np.searchsorted(cuts[s], latent)].sum()
            muscles[here] += n
        read = muscles > 0
        mean = np.divide(total, muscles, out=np.zeros_like(total), where=read)
        out[row] = plan.shown_from + mean.sum(axis=0) / read.sum(axis=0)
    return out
