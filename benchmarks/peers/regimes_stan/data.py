"""The data block of the Stan program, from a specification and its plan."""

from typing import Any

import numpy as np

from itb_bayes.kernel.regimes.layout import Code, Par
from itb_bayes.kernel.regimes_arrays.rows import actions_of
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS
from itb_bayes.model.regimes_parameters import RULES, design_of, kernel_parameters
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec
from peers.regimes_stan.values import FAMILIES, VECTORS, Values, values_of

_RULES = ("same", "square", "whole_points", "half_points", "inverse", "negative", "hazard")
"""How a value makes a parameter, in the order in which the program numbers them (from 1)."""
_PRIORS = {"free": ("mean", "sd"), "positive": ("mu", "sigma"), "share": ("alpha", "beta")}


def stan_data(spec: RegimesSpec, plan: RegimesPlan) -> dict[str, Any]:
    """Return the data block, ready for JSON; places are counted from 1."""
    values = values_of(spec, plan)
    found = _steps(plan) | _priors(values) | _places(values, plan)
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in found.items()
    }


def _steps(plan: RegimesPlan) -> dict[str, Any]:
    there = np.isfinite(plan.data)
    done = [actions_of(int(bits)) for bits in plan.codes[:, Code.ACTION]]
    actions = np.array([kind for kinds in done for kind in kinds], dtype=np.int64)
    return {
        "n_patient": plan.n_patient,
        "n_step": int(plan.offsets[-1]),
        "first_step": plan.offsets + 1,
        "x": np.where(there, plan.data, 0.0),
        "there": there.astype(np.int64),
        "code": plan.codes,
        "n_action": actions.size,
        "first_action": np.cumsum([1, *map(len, done)]),
        "action": actions,
    }


def _priors(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for vector, family in zip(VECTORS, FAMILIES, strict=True):
        params = values.of_family(family)
        found[f"n_{vector}"] = len(params)
        for k, name in enumerate(_PRIORS[vector]):
            found[f"{vector}_{name}"] = params[:, k]
    return found


def _places(values: Values, plan: RegimesPlan) -> dict[str, Any]:
    """Return which value makes which parameter of all patients, and which of each patient."""
    design = design_of(plan)
    diagnosis = design.diagnosis_index.tolist()
    centre = design.centre_index.tolist() if plan.centres else [0] * plan.n_patient
    # What stands for parameters whose channel is off is asked of the package.
    own = dict.fromkeys(values.names, 0.5)
    own |= {name: np.full(len(plan.diagnoses), 0.5) for name in BY_DIAGNOSIS}
    if plan.centres:
        own |= {name: np.full(len(plan.centres), 0.5) for name in BY_CENTRE if name in own}
    fixed, _ = kernel_parameters(own, plan, np)
    return {
        "source": [values.place(RULES[par][0]) for par in Par],
        "rule": [1 + _RULES.index(RULES[par][1].__name__.strip("_")) for par in Par],
        "fixed": np.where([RULES[par][0] in values.names for par in Par], 0.0, fixed),
        "drift_at": [values.place("drift", i) for i in diagnosis],
        "progression_at": [values.place("progression_per_year", i) for i in diagnosis],
        "reading_sd_at": [values.place("reading_sd", i) for i in centre],
        "goal_at": [values.place("goal", i) if "goal" in values.names else 0 for i in centre],
        "untreated_at": values.place("untreated_tone"),
        "follows_at": values.place("untreated_follows"),
        "ratio_at": values.place("older_catheter_ratio"),
        "untreated_deviation": design.untreated_deviation,
        "older_catheter": design.older_catheter,
    }
