"""Scores of parameters, and the posterior given all centres against exact answers."""

import numpy as np
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose

from fits import make_fit, make_plan
from itb_bayes.checks.prior_draws import distribution, prior_of
from itb_bayes.federate.product import GRID, combine, site_of
from itb_bayes.federate.scores import Parameter, parameters_of, score_draws
from itb_bayes.spec import load_model
from itb_bayes.spec.scores import LIMIT, from_scores, to_scores

SPEC = load_model("@drift")
NAMES = ("level", "drift", "level_sd", "drift_sd", "correlation_01", "tail_df", "persistent_share")


@pytest.mark.parametrize("name", NAMES)
def test_the_prior_is_a_standard_normal(name: str) -> None:
    prior = prior_of(SPEC, name)
    levels = np.array([1e-6, 0.02, 0.3, 0.5, 0.9, 1 - 1e-6])
    values = distribution(prior).ppf(levels)
    scores = to_scores(values, prior)
    assert_allclose(scores, st.norm.ppf(levels), atol=1e-7)
    assert_allclose(from_scores(scores, prior), values, rtol=1e-6)


def test_draws_at_the_end_of_a_prior_stay_finite() -> None:
    scores = to_scores(np.array([0.0, 1e9]), prior_of(SPEC, "drift_sd"))
    assert scores.tolist() == [-LIMIT, LIMIT]
    assert np.isfinite(from_scores(np.array([-LIMIT, LIMIT]), prior_of(SPEC, "tail_df"))).all()


def test_every_population_parameter_of_a_fit_has_a_score() -> None:
    fit = make_fit(make_plan())
    parameters = parameters_of(fit.plan)
    assert [p.name for p in parameters][:4] == [
        "level[MS]",
        "level[SCI]",
        "drift[MS]",
        "drift[SCI]",
    ]
    assert [Parameter.of(p.name) for p in parameters] == parameters
    scores = score_draws(fit.spec, parameters, fit.posterior)
    prior = prior_of(fit.spec, "level", "SCI")
    level_draws = fit.posterior["level"].sel(diagnosis="SCI").to_numpy().ravel()
    expected = (level_draws - prior.params["mean"]) / prior.params["sd"]
    assert_allclose(scores[:, 1], expected, rtol=1e-9)


def likelihoods(rng: np.random.Generator, n: int, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return precision and shift of normal likelihoods."""
    out = []
    for _ in range(n):
        root = rng.standard_normal((k, k))
        precision = root @ root.T + 0.5 * np.eye(k)
        out.append((precision, precision @ rng.normal(0.4, 0.3, k)))
    return out


def test_without_centre_effects_normal_centres_are_exact() -> None:
    rng = np.random.default_rng(3)
    parameters = [Parameter("within_sd"), Parameter("tail_df"), Parameter("persistent_share")]
    exact_precision, exact_shift, sites = np.eye(3), np.zeros(3), []
    for precision, shift in likelihoods(rng, 4, 3):
        covariance = np.linalg.inv(np.eye(3) + precision)  # prior times likelihood
        sites.append(site_of(covariance @ shift, covariance, np.arange(3)))
        exact_precision = exact_precision + precision
        exact_shift = exact_shift + shift
    found = combine(sites, parameters, np.ones(3), None, 40_000, seed=1)
    covariance = np.linalg.inv(exact_precision)
    error = np.sqrt(np.diag(covariance) / 40_000)
    assert np.all(np.abs(found.scores.mean(axis=0) - covariance @ exact_shift) < 5 * error)
    assert_allclose(np.cov(found.scores.T), covariance, rtol=0.05, atol=0.003)
    assert found.between.shape == (40_000, 0)


def test_a_centre_that_learned_nothing_says_nothing() -> None:
    site = site_of(np.zeros(2), np.eye(2), np.arange(2))
    assert_allclose(site.precision, 0.0, atol=1e-12)
    wide = site_of(np.array([0.3, 0.0]), np.diag([2.0, 0.5]), np.arange(2))
    assert wide.less_than_prior == pytest.approx(-0.5)
    assert_allclose(wide.precision, np.diag([0.0, 1.0]), atol=1e-12)
    assert_allclose(wide.shift, 0.0, atol=1e-12)


def test_centre_effects_are_those_of_the_hierarchical_model() -> None:
    """One level; centres' levels around it: compare with quadrature over level and spread."""
    prior_sd, sd_prior = 0.5, st.halfnorm(scale=0.3)
    observed, error = np.array([0.9, 0.2, -0.1, 0.6]), np.array([0.10, 0.15, 0.12, 0.2])
    level, spread = np.linspace(-2, 2, 801), np.linspace(1e-4, 2.0, 801)
    total = np.sqrt(error[:, None, None] ** 2 + spread[None, None, :] ** 2)
    log = st.norm.logpdf(observed[:, None, None], level[None, :, None], total).sum(axis=0)
    log = log + st.norm.logpdf(level, 0, prior_sd)[:, None] + sd_prior.logpdf(spread)[None, :]
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    of_level, of_spread = weight.sum(axis=1), weight.sum(axis=0)
    mean = of_level @ level
    expected = (mean, np.sqrt(of_level @ level**2 - mean**2), of_spread @ spread)
    sites = []
    for y, s in zip(observed, error, strict=True):
        precision, shift = (prior_sd / s) ** 2, prior_sd * y / s**2
        variance = 1.0 / (1.0 + precision)
        sites.append(site_of(np.array([variance * shift]), np.array([[variance]]), np.array([0])))
    sd_of = np.stack([sd_prior.ppf(st.norm.cdf(GRID))] * 2)
    parameters = [Parameter("level", "MS")]
    found = combine(sites, parameters, np.array([prior_sd]), sd_of, 40_000, seed=2)
    drawn = prior_sd * found.scores[:, 0]
    between = sd_prior.ppf(st.norm.cdf(found.between[:, 0]))
    assert drawn.mean() == pytest.approx(expected[0], abs=0.01)
    assert drawn.std() == pytest.approx(expected[1], rel=0.03)
    assert between.mean() == pytest.approx(expected[2], rel=0.03)
    # Nothing was said about drift: its spread between centres is the prior's.
    assert found.between[:, 1].std() == pytest.approx(1.0, rel=0.05)
    own = drawn + between * found.centre[:, 0, 0]
    assert own.mean() == pytest.approx(0.87, abs=0.05)


def test_the_same_seed_gives_the_same_draws() -> None:
    sites = [site_of(np.array([0.2]), np.array([[0.3]]), np.array([0]))] * 2
    sd_of = np.stack([np.exp(0.3 * GRID)] * 2)
    one, two = (
        combine(sites, [Parameter("drift", "MS")], np.ones(1), sd_of, 200, seed=s) for s in (5, 5)
    )
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.centre, two.centre)
