"""Priors beside posteriors, convergence tables, and draws of the priors."""

import numpy as np
import pytest
import scipy.stats as st
from check_cases import TRUTH, drift_spec, make_plan, make_posterior

from itb_bayes.checks.convergence import convergence_checks, diagnostics_table, entries
from itb_bayes.checks.learning import learning_checks, prior_posterior_table
from itb_bayes.checks.prior_draws import distribution, draw_prior, prior_of, variables_of
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.gate import Criterion, GateReport
from itb_bayes.inference.population import population_draws
from itb_bayes.kernel.structure import Process, Structure

PASSED = GateReport((Criterion("R-hat", 1.0, "x", "below 1.01", True),))
FAILED = GateReport((Criterion("R-hat", 1.3, "x", "below 1.01", False),))


def test_prior_itself_has_learned_nothing() -> None:
    spec, plan = drift_spec(), make_plan(6, 4)
    table = prior_posterior_table(spec, draw_prior(spec, plan, 20_000, seed=1))
    assert table["contraction"].abs().max() < 0.1
    for p in ("05", "50", "95"):
        np.testing.assert_allclose(table[f"prior_rank_q{p}"], int(p) / 100, atol=0.015)
        np.testing.assert_allclose(
            table[f"prior_q{p}"], table[f"posterior_q{p}"], rtol=0.1, atol=0.3
        )


def test_clinical_units() -> None:
    table = prior_posterior_table(drift_spec(), make_posterior(TRUTH)).set_index("parameter")
    assert table.loc["level[MS]", "posterior_q50"] == pytest.approx(np.exp(5.2), rel=0.01)
    assert table.loc["level[MS]", "prior_q05"] == pytest.approx(80.0, rel=1e-6)
    assert table.loc["drift[SCI]", "posterior_q50"] == pytest.approx(2.02, abs=0.3)
    assert table.loc["persistence_years", "posterior_q50"] == pytest.approx(24.0, rel=0.01)
    assert table.loc["correlation_01", "posterior_q50"] == pytest.approx(0.0, abs=0.01)
    assert table.loc["level[MS]", "contraction"] > 0.99


def test_conflict_fails() -> None:
    spec, plan = drift_spec(), make_plan(6, 4)

    def check(truth: dict) -> tuple:
        posterior = make_posterior(truth)
        return learning_checks(spec, posterior, drift_estimands(spec, plan, posterior))

    fine, listing = check(TRUTH)
    assert fine.passed is True
    assert listing.passed is None
    assert len(listing.table) == 15
    far, _ = check(TRUTH | {"drift": (0.3, 0.02)})
    assert far.passed is False
    assert far.summary.startswith("In conflict with their priors: drift[MS].")


def test_unlearned_parameters_are_named() -> None:
    spec, plan = drift_spec(), make_plan(6, 4)
    posterior = draw_prior(spec, plan, 400, seed=1)
    result, _ = learning_checks(spec, posterior, drift_estimands(spec, plan, posterior))
    assert "is the prior" in result.summary
    assert "tail_df" in result.summary


def test_prior_draws_serve_population_draws_with_every_term() -> None:
    spec = drift_spec()
    plan = make_plan(6, 4, centres=3)
    object.__setattr__(plan, "structure", Structure(Process.OU, True, True))
    prior = draw_prior(spec, plan, 50, seed=1)
    assert prior["centre_level_z"].shape == (1, 50, 3)
    population = population_draws(spec, plan, prior)
    assert population.cov.shape == (50, 3, 3)
    assert np.isfinite(population.depth_mean).all()
    # Every drawn parameter has a prior to be set against, centre effects apart.
    assert set(entries(prior)) == set(prior_posterior_table(spec, prior)["parameter"])
    assert not any(name.endswith("_z") for name in entries(prior))


def test_variables_follow_the_structure() -> None:
    plan = make_plan(6, 4)
    assert "persistence_years" in variables_of(plan)
    object.__setattr__(plan, "structure", Structure(Process.NONE, False, False))
    assert set(variables_of(plan)) == {
        "level", "drift", "level_sd", "drift_sd", "correlation_01", "within_sd",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("normal", {"mean": 1.0, "sd": 2.0}),
        ("lognormal", {"mu": 0.3, "sigma": 0.5}),
        ("halfnormal", {"sd": 2.0}),
        ("beta", {"alpha": 2.0, "beta": 3.0}),
        ("gamma", {"shape": 2.0, "rate": 3.0}),
        ("exponential", {"rate": 2.0}),
    ],
)
def test_distributions_agree_with_the_quantiles_of_the_specification(
    family: str, params: dict[str, float]
) -> None:
    prior = prior_of(drift_spec(), "within_sd").model_copy(
        update={"family": family, "params": params}
    )
    for p in (0.05, 0.5, 0.95):
        assert distribution(prior).ppf(p) == pytest.approx(prior.quantile(p), rel=1e-9)


def test_unknown_family_is_refused() -> None:
    prior = prior_of(drift_spec(), "within_sd").model_copy(update={"family": "cauchy"})
    with pytest.raises(ValueError, match="no distribution for the family 'cauchy'"):
        distribution(prior)


def test_prior_of_one_diagnosis() -> None:
    spec = drift_spec()
    own = spec.resolved_priors["level"].model_copy(update={"params": {"mean": 1.0, "sd": 0.1}})
    shared = spec.resolved_priors["level"].model_copy(update={"by": {"MS": own}})
    priors = spec.resolved_priors | {"level": shared}
    split = spec.model_copy(update={"resolved_priors": priors})
    assert prior_of(split, "level", "MS").params["mean"] == 1.0
    assert prior_of(split, "level", "SCI").params["mean"] == shared.params["mean"]
    drawn = draw_prior(split, make_plan(6, 4), 2000, seed=1)["level"].to_numpy()[0]
    assert drawn.mean(axis=0) == pytest.approx([1.0, shared.params["mean"]], abs=0.1)
    assert st.kstest(drawn[:, 0], st.norm(1.0, 0.1).cdf).pvalue > 0.001


def test_gate_decides_convergence() -> None:
    posterior = make_posterior(TRUTH)
    good, ranks = convergence_checks(posterior, PASSED)
    assert good.passed is True
    assert ranks.passed is None
    bad, _ = convergence_checks(posterior, FAILED)
    assert bad.passed is False
    assert "R-hat: 1.3 at x" in bad.summary
    assert len(bad.plot) == 4 * 100


def test_worst_parameter_is_traced_and_leaves_its_band() -> None:
    posterior = make_posterior(TRUTH)
    posterior["drift_sd"][0] = posterior["drift_sd"][0] * 1.05
    table = diagnostics_table(posterior)
    assert table["parameter"].iloc[0] == "drift_sd"
    first, ranks = convergence_checks(posterior, PASSED)
    assert set(first.plot["parameter"]) == {"drift_sd"}
    assert "drift_sd" in ranks.summary


def test_many_parameters_are_not_all_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itb_bayes.checks.convergence.MAX_PANELS", 4)
    _, ranks = convergence_checks(make_posterior(TRUTH), PASSED)
    assert ranks.plot["parameter"].nunique() == 4
    assert "7 parameters with a lower R-hat are not drawn" in ranks.summary
