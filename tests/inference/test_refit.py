"""Refits of one design with other doses."""

import numpy as np
import pytest

from drift_cases import base_spec, permuted_chains
from itb_bayes.inference import refit
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.refit import Refitter
from itb_bayes.inference.settings import SamplerSettings

SETTINGS = SamplerSettings(draws=50, tune=50, chains=2, seed=3)


@pytest.fixture
def refitter(sampled, tiny_plan, monkeypatch) -> Refitter:
    monkeypatch.setattr(refit, "compile_model", lambda model: sampled.compiled)
    return Refitter(base_spec(), tiny_plan)


def test_other_doses_give_another_posterior(refitter, tiny_plan):
    y = tiny_plan.panel.y
    low = refitter.sample(y, SETTINGS)["posterior"].to_dataset()
    high = refitter.sample(y + 1.0, SETTINGS)["posterior"].to_dataset()
    assert dict(low.sizes) == {"chain": 2, "draw": 50, "diagnosis": 2, "centre": 2}
    rise = (
        population_draws(base_spec(), tiny_plan, high).level_mean.mean()
        - population_draws(base_spec(), tiny_plan, low).level_mean.mean()
    )
    assert 0.3 < rise < 1.2


@pytest.mark.parametrize(
    "change", [lambda y: y[:-1], lambda y: np.append(y, 5.0), lambda y: y * np.nan]
)
def test_doses_that_do_not_fit_the_design_are_refused(change, refitter, tiny_plan):
    with pytest.raises(ValueError, match="finite and have one value per reading"):
        refitter.sample(change(tiny_plan.panel.y), SETTINGS)


def test_the_helper_gives_well_mixed_chains(tiny_plan):
    chains = permuted_chains(base_spec(), tiny_plan, 3, 30)
    np.testing.assert_array_equal(
        np.sort(chains["level_sd"], axis=1)[0], np.sort(chains["level_sd"], axis=1)[2]
    )
