"""Parameters on the scale on which their prior is a standard normal.

``eta = Phi^-1(F(theta))`` with F the prior's distribution function: the identity, up to location
and scale, for normal priors and the logarithm for lognormal ones.
"""

import numpy as np
import scipy.stats as st
from numpy.typing import NDArray

from itb_bayes.spec.distributions import distribution
from itb_bayes.spec.priors import ResolvedPrior

Array = NDArray[np.float64]

LIMIT = 8.0
"""Scores are kept within this: a draw so far out in its prior is as good as at the end of it."""


def to_scores(values: Array, prior: ResolvedPrior) -> Array:
    """Return the scores of values of a parameter."""
    law = distribution(prior)
    below, above = law.cdf(values), law.sf(values)
    # From the nearer end, so that neither is rounded to one.
    scores = np.where(below < above, st.norm.ppf(below), st.norm.isf(above))
    return np.clip(scores, -LIMIT, LIMIT)


def from_scores(scores: Array, prior: ResolvedPrior) -> Array:
    """Return the values of a parameter that have these scores."""
    law = distribution(prior)
    return np.where(
        scores < 0.0, law.ppf(st.norm.cdf(scores)), law.isf(st.norm.sf(np.maximum(scores, 0.0)))
    )
