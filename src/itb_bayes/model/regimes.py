"""The regimes model as a PyMC model: population parameters only.

Regimes and the wandering requirement of every patient are integrated out in the likelihood; they
are read off afterwards by the same filter (:mod:`itb_bayes.kernel.regimes.trace`).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.kernel.regimes_arrays.rows import turns_of
from itb_bayes.model.priors import per_label, random_variable
from itb_bayes.model.regimes_arrays_op import RegimesOnArrays
from itb_bayes.model.regimes_op import MISSING, RegimesLogLikelihood
from itb_bayes.model.regimes_parameters import design_of, kernel_parameters, used_priors
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec

BY_DIAGNOSIS = ("drift", "progression_per_year")
BY_CENTRE = ("reading_sd", "goal")


def build_regimes(spec: RegimesSpec, plan: RegimesPlan) -> pm.Model:
    """Build the PyMC model of a regimes plan, with the compiled kernel as its likelihood.

    Free variables carry the names of their priors, on the model scale (log dose, points, years):
    scalars, but ``drift`` and ``progression_per_year`` (diagnosis), and ``reading_sd`` and
    ``goal`` (centre, where centres are modelled). Priors of channels that are off are not part of
    the model. All patient data enter through ``pm.Data``.

    Returns
    -------
    pymc.Model
    """
    return _build(spec, plan, RegimesLogLikelihood(), step_data(plan))


def build_regimes_on_arrays(spec: RegimesSpec, plan: RegimesPlan) -> pm.Model:
    """Build the same model for JAX: the same posterior, its likelihood written on arrays."""
    laid = turns_of(plan.data, plan.codes, plan.offsets)
    data = {
        "data": np.nan_to_num(laid.data, nan=MISSING),
        "codes": laid.codes,
        "years": laid.dt,
        "kind": laid.kind,
    }
    return _build(spec, plan, RegimesOnArrays(laid.kinds), data)


def _build(
    spec: RegimesSpec, plan: RegimesPlan, likelihood: Any, steps: dict[str, Any]
) -> pm.Model:
    coords: dict[str, Any] = {"diagnosis": list(plan.diagnoses)}
    if plan.centres:
        coords["centre"] = list(plan.centres)
    used = used_priors(plan)
    with pm.Model(coords=coords) as model:
        values: dict[str, Any] = {}
        for name, prior in spec.resolved_priors.items():
            if name not in used:
                continue
            if name in BY_DIAGNOSIS:
                values[name] = per_label(name, prior, "diagnosis", plan.diagnoses)
            elif name in BY_CENTRE and plan.centres:
                values[name] = random_variable(name, prior, "centre")
            else:
                values[name] = random_variable(name, prior)
        design = design_of(plan)
        symbolic = replace(
            design,
            diagnosis_index=pm.Data("diagnosis_index", design.diagnosis_index),
            centre_index=pm.Data("centre_index", design.centre_index),
            older_catheter=pm.Data("older_catheter", design.older_catheter),
            untreated_deviation=pm.Data("untreated_deviation", design.untreated_deviation),
        )
        g, own = kernel_parameters(values, symbolic, pt)
        outputs = likelihood(g, own, *(pm.Data(name, value) for name, value in steps.items()))
        total = outputs[0] if isinstance(outputs, list) else outputs
        pm.Potential("log_likelihood", total.sum())
    return model


def step_data(plan: RegimesPlan) -> dict[str, Any]:
    """Return the steps of a plan as the graph takes them, in the order of the Op's inputs."""
    return {
        "data": np.nan_to_num(plan.data, nan=MISSING),
        "codes": plan.codes.astype(np.int32),
        "offsets": plan.offsets.astype(np.int32),
    }


def plan_data(plan: RegimesPlan) -> dict[str, Any]:
    """Return everything of a plan that enters the graph as data, by name.

    A compiled model takes the data of another plan with the same groups and channels.
    """
    design = design_of(plan)
    return {
        "diagnosis_index": design.diagnosis_index,
        "centre_index": design.centre_index,
        "older_catheter": design.older_catheter,
        "untreated_deviation": design.untreated_deviation,
        **step_data(plan),
    }
