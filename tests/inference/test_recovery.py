"""Known parameters of 150 simulated patients are found again."""

import numpy as np
import pytest

from drift_cases import point_posterior, spec_with, tiny_tables, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.gate import judge
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.refit import Refitter
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.plan import plan_drift

TRUTH = {
    "level": [5.35, 4.9], "drift": [0.07, 0.015], "level_sd": 0.55, "drift_sd": 0.035,
    "correlation_01": 0.6, "within_sd": 0.09, "titration_depth": 0.9, "titration_depth_sd": 0.25,
    "titration_follows_level": 0.5, "titration_years": 0.4, "tail_df": 6.0,
    "persistent_share": 0.85, "persistence_years": 2.5,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("process", ["ou", "random_walk"])
def test_all_but_one_truth_lies_in_its_95_percent_interval(process, tmp_path):
    spec = spec_with(process, "patient_t", "yes", "no", step_months=6.0)
    cohort = Cohort.read(write_cohort(tmp_path / "cohort", tiny_tables(150)))
    plan = plan_drift(spec, cohort)
    assert plan.n_patient >= 150
    truth = point_posterior(spec, plan, 1, 1, spread=0.0, **TRUTH)
    made = replicate_cohort(plan, population_draws(spec, plan, truth), 0, np.random.default_rng(31))
    settings = SamplerSettings(draws=600, tune=600, chains=4, seed=6)
    draws = Refitter(spec, plan).sample(made.log_dose, settings)
    posterior = draws["posterior"].to_dataset()
    estimands = drift_estimands(spec, plan, posterior)
    assert judge(draws, {"population estimands": estimands}).failures() == []
    missed = []
    for name in posterior.data_vars:
        low, high = np.quantile(posterior[name], (0.025, 0.975), axis=(0, 1))
        true = truth[name].to_numpy()[0, 0]
        missed += [name] * int(((true < low) | (true > high)).sum())
    assert len(missed) <= 1, missed
    assert float((estimands["drift_contrast_percent"] > 0).mean()) > 0.95
