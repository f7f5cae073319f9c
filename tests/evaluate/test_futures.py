"""Comparison by what came after a landmark."""

import json

import numpy as np
import pytest

from drift_cases import (
    base_spec,
    fit_of,
    permuted_chains,
    point_posterior,
    run_command,
    spec_with,
    with_doses,
)
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.compare import sentence
from itb_bayes.evaluate.futures import (
    compare_futures,
    drift_futures,
    drift_part,
    patients_across,
    regimes_futures,
)
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.plan import plan_drift
from regimes_fits import make_regimes_fit, regimes_spec, save_regimes_fit, small_regimes_fit

TRUTH = {
    "level": [5.2, 5.0], "drift": [0.05, 0.02], "level_sd": 0.5, "drift_sd": 0.03,
    "correlation_01": 0.5, "tail_df": 20.0, "within_sd": 0.2, "persistent_share": 0.95,
}  # fmt: skip


def walk_and_iid(tiny_cohort):
    """Doses of a random walk, and a fit of the right and of the wrong model near the truth."""
    walk = spec_with("random_walk", "gaussian", "no", "no", step_months=3.0)
    iid = spec_with("none", "gaussian", "no", "no", step_months=3.0)
    plan = plan_drift(walk, tiny_cohort)
    one = population_draws(walk, plan, point_posterior(walk, plan, 1, 1, spread=0.0, **TRUTH))
    dose = np.exp(replicate_cohort(plan, one, 0, np.random.default_rng(4)).log_dose)
    return [
        fit_of(
            spec.model_copy(update={"name": name}),
            with_doses(plan_drift(spec, tiny_cohort), dose),
            point_posterior(spec, plan_drift(spec, tiny_cohort), 4, 50, 0.02, **TRUTH),
        )
        for name, spec in (("walk", walk), ("iid", iid))
    ]


def test_the_model_that_made_the_doses_foretells_them_better(tiny_cohort):
    rows = compare_futures(walk_and_iid(tiny_cohort)[::-1], 2.0)
    assert rows[0].model == "walk"
    assert rows[1].difference < 0.0
    assert rows[1].se_difference > 0.0
    assert "what came after year 2" in sentence(rows, "what came after year 2")


def test_the_future_is_the_whole_record_less_the_past(tiny_cohort):
    fit = walk_and_iid(tiny_cohort)[0]
    series = fit.plan.series
    across = patients_across(series.t_years, series.offsets, 2.0)
    past = drift_part(fit.plan, across, 2.0)
    assert past.series.t_years.max() <= 2.0
    whole = patient_log_likelihood(fit.spec, fit.plan, fit.posterior).to_numpy()[..., across]
    early = patient_log_likelihood(fit.spec, past, fit.posterior).to_numpy()
    np.testing.assert_allclose(drift_futures(fit, 2.0).to_numpy(), whole - early)


def test_futures_of_a_filter_are_sums_of_its_steps(tmp_path):
    fit = small_regimes_fit(tmp_path / "cohort")
    plan, draws = fit.plan, fit.population()
    found = regimes_futures(fit, 1.0)
    across = patients_across(plan.t_years, plan.offsets, 1.0)
    assert found.sizes["patient"] == across.size == 5  # one patient was seen twice only
    steps = trace(draws.g[0], draws.own[0], plan.data, plan.codes, plan.offsets)[4]
    for k, i in enumerate(across):
        rows = np.arange(plan.offsets[i], plan.offsets[i + 1])
        later = rows[plan.t_years[rows] > 1.0]
        assert found.to_numpy()[0, 0, k] == pytest.approx(steps[later].sum())


def test_too_few_patients_on_both_sides_are_refused(tiny_plan):
    spec = base_spec()
    fit = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20))
    with pytest.raises(UsageError, match="only 0 patients have records both up to year 50"):
        compare_futures((fit, fit), 50.0)
    with pytest.raises(UsageError, match="at least two fits"):
        compare_futures((fit,), 2.0)


def test_the_command_prints_both_comparisons(tmp_path):
    fit = small_regimes_fit(tmp_path / "cohort")
    one = save_regimes_fit(fit, tmp_path / "one")
    wider = regimes_spec().model_copy(update={"name": "wider"})
    two = save_regimes_fit(make_regimes_fit(fit.plan, wider, width=0.6), tmp_path / "two")
    done = run_command("compare", one, two, "--after", "1")
    assert done.code == 0, done.stderr
    assert "Each patient left out:" in done.stdout
    assert "Of each patient, what came after year 1 left out:" in done.stdout
    content = json.loads(run_command("compare", one, two, "--after", "1", "--json").stdout)
    assert content["future"]["after_years"] == 1.0
    assert len(content["future"]["models"]) == len(content["models"]) == 2
    done = run_command("compare", one, two, "--after", "40")
    assert (done.code, "choose another --after" in done.stderr) == (2, True)
