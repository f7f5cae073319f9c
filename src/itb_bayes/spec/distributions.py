"""Priors as distributions, and which prior belongs to which variable of a model."""

from typing import Any

import numpy as np
import scipy.stats as st

from itb_bayes.spec.priors import ResolvedPrior

PRIOR_OF = {
    "correlation_01": "level_drift_correlation",
    "persistence_years": "persistence_months",
    "titration_years": "titration_months",
}
"""Priors whose name differs from that of the variable (they are stated in another unit)."""


def distribution(prior: ResolvedPrior) -> Any:
    """Return a prior as a frozen scipy distribution on the model scale."""
    p = prior.params
    match prior.family:
        case "normal":
            return st.norm(p["mean"], p["sd"])
        case "lognormal":
            return st.lognorm(s=p["sigma"], scale=np.exp(p["mu"]))
        case "halfnormal":
            return st.halfnorm(scale=p["sd"])
        case "beta":
            return st.beta(p["alpha"], p["beta"])
        case "gamma":
            return st.gamma(p["shape"], scale=1.0 / p["rate"])
        case "exponential":
            return st.expon(scale=1.0 / p["rate"])
        case family:
            raise ValueError(f"no distribution for the family {family!r}")
