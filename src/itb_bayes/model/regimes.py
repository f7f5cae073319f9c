"""The regimes model as a PyMC model: population parameters only.

Regimes and the wandering requirement of every patient are integrated out in the likelihood; they
are read off afterwards by the same filter (:mod:`itb_bayes.kernel.regimes.trace`).
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.model.priors import per_label, random_variable
from itb_bayes.model.regimes_op import MISSING, RegimesLogLikelihood
from itb_bayes.model.regimes_parameters import kernel_parameters, used_priors
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec

BY_DIAGNOSIS = ("drift", "progression_per_year")
BY_CENTRE = ("reading_sd", "goal")


def build_regimes(spec: RegimesSpec, plan: RegimesPlan) -> pm.Model:
    """Build the PyMC model of a regimes plan.

    Free variables carry the names of their priors, on the model scale (log dose, points, years):
    scalars, but ``drift`` and ``progression_per_year`` (diagnosis), and ``reading_sd`` and
    ``goal`` (centre, where centres are modelled). Priors of channels that are off are not part of
    the model. All patient data enter through ``pm.Data``.

    Returns
    -------
    pymc.Model
    """
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
        g, own = kernel_parameters(values, plan, pt)
        outputs: Any = RegimesLogLikelihood()(
            g,
            own,
            pm.Data("data", np.nan_to_num(plan.data, nan=MISSING)),
            pm.Data("codes", plan.codes.astype(np.int32)),
            pm.Data("offsets", plan.offsets.astype(np.int32)),
        )
        pm.Potential("log_likelihood", outputs[0].sum())
    return model
