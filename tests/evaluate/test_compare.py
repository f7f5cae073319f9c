"""Comparison by leave-one-patient-out."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from drift_cases import (
    FAILED,
    base_spec,
    fit_of,
    permuted_chains,
    point_posterior,
    spec_with,
    with_doses,
)
from itb_bayes.errors import GateError, UsageError
from itb_bayes.evaluate.compare import ComparisonRow, compare_fits, score_fit, sentence
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.model.plan import plan_drift

TRUTH = {
    "level": [5.2, 5.0], "drift": [0.05, 0.02], "level_sd": 0.5, "drift_sd": 0.03,
    "correlation_01": 0.5, "tail_df": 20.0,
}  # fmt: skip


def fits_of(tiny_cohort, persistent: bool, spread: float = 0.02) -> tuple[Fit, Fit]:
    """A fit with and one without persistence, each near its best, on data of either kind."""
    walk = spec_with("random_walk", "gaussian", "no", "no", step_months=3.0)
    iid = spec_with("none", "gaussian", "no", "no", step_months=3.0)
    plan = plan_drift(walk, tiny_cohort)
    truth = TRUTH | {"within_sd": 0.2, "persistent_share": 0.95 if persistent else 0.02}
    population = population_draws(
        walk, plan, point_posterior(walk, plan, 1, 1, spread=0.0, **truth)
    )
    y = replicate_cohort(plan, population, 0, np.random.default_rng(4)).log_dose
    walk_plan = with_doses(plan, np.exp(y))
    iid_plan = with_doses(plan_drift(iid, tiny_cohort), np.exp(y))
    walk_fit = point_posterior(walk, walk_plan, 4, 100, spread, **truth)
    iid_fit = point_posterior(iid, iid_plan, 4, 100, spread, **truth)
    return (
        fit_of(replace_name(walk, "walk"), walk_plan, walk_fit),
        fit_of(replace_name(iid, "iid"), iid_plan, iid_fit),
    )


def replace_name(spec, name: str):
    return spec.model_copy(update={"name": name})


@pytest.mark.parametrize(("persistent", "best"), [(True, "walk"), (False, "iid")])
def test_the_model_that_made_the_data_wins(persistent, best, tiny_cohort):
    rows = compare_fits(fits_of(tiny_cohort, persistent)[::-1])
    assert rows[0].model == best
    assert (rows[0].difference, rows[0].se_difference) == (0.0, 0.0)
    assert rows[1].difference == pytest.approx(rows[1].elpd - rows[0].elpd)
    assert rows[1].difference < (-rows[1].se_difference if persistent else 0.0)
    assert sentence(rows).startswith(best)


def test_the_score_of_a_point_posterior_is_the_likelihood(tiny_cohort):
    walk, _ = fits_of(tiny_cohort, True, spread=1e-6)
    scored = score_fit(walk)
    loo = scored.loo
    density = patient_log_likelihood(walk.spec, walk.plan, walk.posterior)
    np.testing.assert_allclose(loo.elpd, density.mean(("chain", "draw")), atol=1e-3)
    assert loo.elpd.shape == loo.pareto_k.shape == (walk.plan.n_patient,)
    assert (scored.model, scored.run) == ("walk", walk.run_id)


def test_the_standard_error_is_over_patients(tiny_cohort):
    walk, iid = fits_of(tiny_cohort, True)
    difference = score_fit(iid).loo.elpd - score_fit(walk).loo.elpd
    rows = compare_fits((walk, iid))
    assert rows[1].se_difference == pytest.approx(np.sqrt(difference.size) * difference.std(ddof=1))


def test_unreliable_patients_are_counted_without_a_warning(tiny_plan):
    """Draws from the prior are far from every patient's posterior: all weight on one draw."""
    spec = base_spec()
    fitted = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 4, 50))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loo = score_fit(fitted).loo
    assert loo.n_bad == int((loo.pareto_k > loo.good_k).sum()) > 0
    rows = compare_fits((fitted, fitted))
    assert rows[0].n_bad == loo.n_bad
    assert sentence(rows).endswith("Some patients weigh too much for importance sampling "
                                   "(Pareto k): refit without.")  # fmt: skip


def test_one_fit_is_nothing_to_compare(tiny_plan):
    spec = base_spec()
    fitted = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20))
    with pytest.raises(UsageError, match="at least two"):
        compare_fits((fitted,))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: replace(s, daily_dose_ug=s.daily_dose_ug * 1.01),
        lambda s: replace(s, t_years=s.t_years + 0.01),
        lambda s: replace(
            s, t_years=s.t_years[:-1], daily_dose_ug=s.daily_dose_ug[:-1], patient=s.patient[:-1]
        ),
    ],
    ids=["doses", "times", "a reading less"],
)
def test_fits_of_other_readings_are_refused(change, tiny_plan):
    spec = base_spec()
    one = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20))
    other = replace(tiny_plan, series=change(tiny_plan.series))
    two = fit_of(spec, other, permuted_chains(spec, other, 2, 20), seed=2)
    with pytest.raises(UsageError, match="do not rest on the same dose readings"):
        compare_fits((one, two))


def test_a_fit_that_failed_its_gate_is_refused(tiny_plan):
    spec = base_spec()
    draws = permuted_chains(spec, tiny_plan, 2, 20)
    with pytest.raises(GateError):
        compare_fits((fit_of(spec, tiny_plan, draws), fit_of(spec, tiny_plan, draws, FAILED)))


@pytest.mark.parametrize(
    ("gap", "se", "words"),
    [
        (30.0, 5.0, "a predicts left-out patients clearly better than b (difference 30.0"),
        (3.0, 1.0, "a predicts left-out patients somewhat better than b"),
        (9.0, 5.0, "a predicts left-out patients somewhat better than b"),
        (1.0, 5.0, "a and b predict left-out patients about equally well"),
    ],
)
def test_the_sentence_says_how_sure_it_is(gap, se, words):
    rows = (
        ComparisonRow("a", "r1", -10.0, 0.0, 0.0, 0),
        ComparisonRow("b", "r2", -10.0 - gap, -gap, se, 0),
    )
    assert sentence(rows).startswith(words)
    assert "Pareto" not in sentence(rows)
