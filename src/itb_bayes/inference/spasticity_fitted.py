"""Spasticity fits on disk."""

from functools import cached_property
from typing import ClassVar

import numpy as np
import xarray as xr

from itb_bayes.inference.population import flatten
from itb_bayes.inference.stored import StoredFit
from itb_bayes.kernel.ashworth import SCORES, expected_score, thresholds
from itb_bayes.model.spasticity_plan import PHASES, SpasticityPlan
from itb_bayes.spec import SpasticitySpec

CONTRASTS = (("after", "before"), ("end", "before"), ("end", "after"))
_N_NODE = 15


class SpasticityFit(StoredFit[SpasticitySpec, SpasticityPlan]):
    """A fitted spasticity model."""

    unconverged_help: ClassVar[str] = "a spasticity fit prints nothing until it has converged."

    @cached_property
    def scores(self) -> xr.Dataset:
        """Mean scores and contrasts per draw; see :func:`mean_scores`."""
        return mean_scores(self.plan, self.posterior)


def mean_scores(plan: SpasticityPlan, posterior: xr.Dataset) -> xr.Dataset:
    """Return mean scores per draw, in points of the scale that is shown, dims (chain, draw, ...).

    Variables
    ---------
    population_score (phase)
        Mean score of a muscle over patients and visits of the population.
    sample_score (phase)
        The same over the patients of the fit, at the visits that were read.
    difference (contrast)
        Differences of ``population_score``.
    """
    flat = flatten(posterior)
    sample = flat.sizes["sample"]
    scores = np.array(SCORES[plan.scale])
    cuts = _cuts(flat, scores.size)
    muscle_sd = flat["muscle_sd"].to_numpy()
    mean = np.stack([flat[f"tone_{name}"].to_numpy() for name in PHASES], axis=1)
    treated = np.hypot(flat["treated_sd"].to_numpy(), flat["visit_sd"].to_numpy())
    spread = np.stack([flat["untreated_sd"].to_numpy(), treated, treated], axis=1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_N_NODE)
    tone = mean[..., None] + spread[..., None] * nodes
    each = expected_score(tone, cuts[:, None, None, :], muscle_sd[:, None, None], scores)
    population = plan.shown_from + each @ (weights / weights.sum())
    own = plan.shown_from + expected_score(
        _patients(flat, mean), cuts[:, None, None, :], muscle_sd[:, None, None], scores
    )
    read = np.zeros((plan.n_patient, len(PHASES)))
    read[plan.patient, plan.phase] = 1.0
    of_sample = (own * read).sum(axis=1) / read.sum(axis=0)
    pairs = [(PHASES.index(a), PHASES.index(b)) for a, b in CONTRASTS]
    contrast = np.stack([population[:, a] - population[:, b] for a, b in pairs], axis=1)
    shape = (posterior.sizes["chain"], sample // posterior.sizes["chain"])
    arrays = {
        "population_score": (["phase"], population),
        "sample_score": (["phase"], of_sample),
        "difference": (["contrast"], contrast),
    }
    return xr.Dataset(
        {
            name: (["chain", "draw", *tail], values.reshape(*shape, *values.shape[1:]))
            for name, (tail, values) in arrays.items()
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


def _patients(flat: xr.Dataset, mean: np.ndarray) -> np.ndarray:
    """Return the tone of every patient and phase, shape (n_draw, n_patient, 3)."""
    sd = {name: flat[name].to_numpy()[:, None] for name in ("untreated_sd", "treated_sd")}
    own = sd["treated_sd"] * flat["treated_z"].to_numpy()
    passing = flat["visit_sd"].to_numpy()[:, None, None] * flat["visit_z"].to_numpy()
    before = sd["untreated_sd"] * flat["untreated_z"].to_numpy()
    parts = [before, own + passing[..., 0], own + passing[..., 1]]
    return mean[:, None, :] + np.stack(parts, axis=-1)
