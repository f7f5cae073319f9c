"""Probabilities of the explanations at every visit, from fits that did not see the patient."""

from dataclasses import dataclass
from typing import Any

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.visits import whole_days
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_visits
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.weights import importance_weights
from itb_bayes.spec import RegimesSpec

DRAWS_PER_CHAIN = 100
PATIENTS_AT_ONCE = 20
DEVICE = ("catheter", "pump")

Index = NDArray[np.int64]


@dataclass(frozen=True)
class ExplanationFold:
    """Filtered probabilities of the patients of one fold, and how its fit went.

    Attributes
    ----------
    name : str
    scores : pandas.DataFrame
        ``patient_id, day``, then one column per explanation and ``device_fault``; visits whose
        weights are unreliable are left out.
    n_unreliable : int
        How many were.
    r_hat : float
        NaN where nothing was fitted.
    divergences : int
    """

    name: str
    scores: pd.DataFrame
    n_unreliable: int
    r_hat: float
    divergences: int


@dataclass(frozen=True, eq=False)
class RegimesFolds:
    """What every worker needs: the model, the whole plan, and each fold's patients.

    Attributes
    ----------
    spec : RegimesSpec
    plan : RegimesPlan
    left_out : tuple of ndarray of int64
        Patients that each fold leaves out and judges.
    names : tuple of str
    sampler : SamplerSettings
    """

    spec: RegimesSpec
    plan: RegimesPlan
    left_out: tuple[Index, ...]
    names: tuple[str, ...]
    sampler: SamplerSettings


def leave_out_patients(
    plan: RegimesPlan, by: str, count: int, seed: int
) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    """Return the patients that each fold leaves out, and the folds' names.

    Parameters
    ----------
    plan : RegimesPlan
    by : str
        ``patients`` (``count`` random parts, balanced by diagnosis) or ``centres``.
    count, seed : int

    Raises
    ------
    UsageError
        If the plan cannot be divided like that.
    """
    if by == "patients":
        if not 2 <= count <= plan.n_patient:
            raise UsageError(
                f"--folds must lie between 2 and {plan.n_patient}, the number of patients (got "
                f"{count})."
            )
        rng = np.random.default_rng([seed, 0xF01D])
        order = np.lexsort((rng.random(plan.n_patient), plan.diagnosis_index))
        parts = tuple(np.sort(order[k::count]) for k in range(count))
        return parts, tuple(f"part {k + 1}" for k in range(count))
    if by != "centres":
        raise UsageError(
            f"explanations are judged --by patients or --by centres, not {by!r}: at every visit "
            "only earlier records of the patient are used anyway."
        )
    if len(plan.centres) < 2:
        raise UsageError(
            "leaving centres out needs a model with centre effects and a cohort with two centres "
            "or more; use --by patients."
        )
    parts = tuple(np.flatnonzero(plan.centre_index == k) for k in range(len(plan.centres)))
    return parts, plan.centres


def run_fold(shared: RegimesFolds, number: int) -> ExplanationFold:
    """Fit without the patients of a fold, then filter theirs; the same on every machine."""
    from itb_bayes.inference.refit import sample_plan  # PyMC is heavy: where it is used

    out = shared.left_out[number]
    others = np.setdiff1d(np.arange(shared.plan.n_patient), out)
    seed = int(np.random.SeedSequence([shared.sampler.seed, 0xF1, number]).generate_state(1)[0])
    settings = SamplerSettings(**{**shared.sampler.as_dict(), "seed": seed})
    tree = sample_plan(shared.spec, shared.plan.select(others), settings, cores=1)
    posterior = tree["posterior"].to_dataset()
    scores, unreliable = filtered_probabilities(shared.plan.select(out), posterior)
    return ExplanationFold(
        shared.names[number],
        scores,
        unreliable,
        float(az.rhat(posterior).to_array().max()),
        int(tree["sample_stats"]["diverging"].sum()),
    )


def filtered_probabilities(plan: RegimesPlan, posterior: xr.Dataset) -> tuple[pd.DataFrame, int]:
    """Filter patients whom a posterior has not seen, at every day of record.

    The population draws are weighted by what the patient's own records up to each day say about
    them (:func:`itb_bayes.risk.weights.importance_weights`), as ``itb-bayes score`` does.

    Returns
    -------
    scores : pandas.DataFrame
        As :class:`ExplanationFold` describes.
    n_unreliable : int
    """
    kept = thin(posterior, DRAWS_PER_CHAIN)
    parts, unreliable = [], 0
    for first in range(0, plan.n_patient, PATIENTS_AT_ONCE):
        part = plan.between(first, min(first + PATIENTS_AT_ONCE, plan.n_patient))
        probability, total = filter_visits(part, regimes_draws(part, kept))
        weights = importance_weights(total)
        mean = np.einsum("ds,dse->se", weights.weight, probability)
        ids = np.array(part.patient_ids, dtype=object)[part.step_patient]
        columns: dict[str, Any] = {
            "patient_id": ids.astype(str),
            "day": whole_days(part.t_years),
            **{name: mean[:, k] for k, name in enumerate(EXPLANATIONS)},
        }
        table = pd.DataFrame(columns)
        unreliable += int((~weights.reliable).sum())
        parts.append(table.loc[weights.reliable])
    scores = pd.concat(parts, ignore_index=True)
    scores["device_fault"] = np.minimum(scores[list(DEVICE)].sum(axis=1), 1.0)
    return scores, unreliable
