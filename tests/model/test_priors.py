"""Resolved priors as PyMC variables."""

import numpy as np
import pymc as pm
import pytest

from itb_bayes.checks.prior_draws import distribution
from itb_bayes.model.priors import random_variable
from itb_bayes.spec import ResolvedPrior

CASES = {
    "normal": {"mean": 5.1, "sd": 0.7},
    "lognormal": {"mu": -2.0, "sigma": 0.6},
    "halfnormal": {"sd": 0.3},
    "beta": {"alpha": 4.0, "beta": 1.5},
    "gamma": {"shape": 2.5, "rate": 4.0},
    "exponential": {"rate": 3.0},
}


@pytest.mark.parametrize("family", CASES)
def test_density_is_that_of_scipy(family):
    prior = ResolvedPrior(
        name="x",
        unit="log",
        family=family,
        params=CASES[family],
        source="none",
        why="test",
        text="",
    )
    with pm.Model():
        variable = random_variable("x", prior)
    x = np.array([0.05, 0.4, 0.93])
    got = pm.logp(variable, x).eval()
    np.testing.assert_allclose(got, distribution(prior).logpdf(x), rtol=1e-6)
