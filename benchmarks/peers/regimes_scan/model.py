"""The package's PyMC model of a plan with the plain likelihood in place of the kernel."""

from typing import Any
from unittest import mock

import numpy as np
import pymc as pm
import pytensor
from pytensor.graph.basic import Constant
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors

import itb_bayes.model.regimes as ours
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec
from peers.regimes_scan.likelihood import log_likelihood

LARGE = 64
"""Arrays with more numbers are data of the compiled code, not constants in it."""


def build_plain(spec: RegimesSpec, plan: RegimesPlan) -> pm.Model:
    """Build the same priors, transforms and parameters; only the likelihood is written plainly."""

    def plain(g: Any, own: Any, *_: Any) -> list[Any]:
        return [as_data(log_likelihood(g, own, plan))]

    with mock.patch.object(ours, "RegimesLogLikelihood", return_value=plain):
        return ours.build_regimes(spec, plan)


def as_data(value: Any) -> Any:
    """Return the same graph with its large constants as shared variables: quicker to compile.

    Those alike lie in one variable: compiled functions take no more than some thirty arguments.
    """
    alike: dict[Any, list[Any]] = {}
    for v in ancestors([value]):
        if isinstance(v, Constant) and isinstance(v.data, np.ndarray) and v.data.size > LARGE:
            alike.setdefault((v.data.shape, v.data.dtype), []).append(v)
    replaced = {}
    for k, constants in enumerate(alike.values()):
        flags = constants[0].data.dtype == bool
        stacked = np.stack([v.data.astype(np.int8) if flags else v.data for v in constants])
        shared = pytensor.shared(stacked, name=f"plain_{k}", shape=stacked.shape)
        parts = {v: shared[i] for i, v in enumerate(constants)}
        replaced |= {v: part.astype("bool") if flags else part for v, part in parts.items()}
    return graph_replace(value, replaced)
