"""Likelihood of complication counts: against brute force, statsmodels, and its own calibration."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import chi2, halfnorm, norm, poisson
from statsmodels.stats.meta_analysis import combine_effects

from itb_bayes.kernel.complications import (
    Counts,
    count_log_likelihood,
    marginal_log_likelihood,
)
from itb_bayes.kernel.complications_grid import GridPosterior, RatePrior, grid_posterior
from itb_bayes.literature import complication_counts

COUNTS = Counts(np.array([0, 3, 19, 78]), np.array([0, 3, 20, 78]), np.array([50.0, 90, 799, 806]))


def published(complication: str) -> Counts:
    cells = [c for c in complication_counts() if c.is_known and c.complication == complication]
    return Counts(
        np.array([c.events_low for c in cells]),
        np.array([c.events_high for c in cells]),
        np.array([c.patient_years for c in cells]),
    )


def test_a_cell_is_the_sum_over_its_possible_counts() -> None:
    log_rate = np.log([0.02, 0.03, 0.025, 0.1])
    mean = np.exp(log_rate) * COUNTS.patient_years
    expected = [
        np.log(sum(poisson.pmf(k, m) for k in range(low, high + 1)))
        for low, high, m in zip(COUNTS.low, COUNTS.high, mean, strict=True)
    ]
    np.testing.assert_allclose(count_log_likelihood(log_rate, COUNTS), expected, rtol=1e-12)


@pytest.mark.parametrize("sd", [0.05, 0.7, 2.5])
@pytest.mark.parametrize("mean", [-5.0, -3.5, -2.5])
def test_the_integral_over_centres_is_that_of_adaptive_quadrature(mean: float, sd: float) -> None:
    total = 0.0
    for k in range(COUNTS.low.size):
        one = Counts(COUNTS.low[k : k + 1], COUNTS.high[k : k + 1], COUNTS.patient_years[k : k + 1])

        def inside(z: float, one: Counts = one) -> float:
            log_p = count_log_likelihood(np.array([mean + sd * z]), one)[0]
            return float(np.exp(log_p) * norm.pdf(z))

        top = (np.log(max(one.low[0], 0.5) / one.patient_years[0]) - mean) / sd
        ends = sorted({-12.0, float(np.clip(top, -12, 12)), 12.0})
        total += np.log(
            sum(quad(inside, a, b, limit=200, epsabs=0, epsrel=1e-9)[0]
                for a, b in itertools.pairwise(ends))
        )  # fmt: skip
    assert float(marginal_log_likelihood(np.array(mean), np.array(sd), COUNTS)) == pytest.approx(
        total, abs=1e-5
    )


def test_without_spread_it_is_the_poisson_regression_of_statsmodels() -> None:
    counts = published("catheter")
    exact = Counts(counts.low, counts.low, counts.patient_years)
    fitted = sm.GLM(
        exact.low, np.ones(exact.low.size), family=sm.families.Poisson(),
        offset=np.log(exact.patient_years),
    ).fit()  # fmt: skip
    found = minimize(
        lambda m: -float(marginal_log_likelihood(m[0], np.array(1e-6), exact)), [-3.0],
        method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10},
    )  # fmt: skip
    assert found.x[0] == pytest.approx(fitted.params[0], abs=1e-5)
    assert -found.fun == pytest.approx(fitted.llf, abs=1e-6)


def test_pooled_catheter_rate_agrees_with_random_effects_of_statsmodels() -> None:
    """Largest likelihood beside DerSimonian-Laird and Paule-Mandel on the published table."""
    counts = published("catheter")
    middle = 0.5 * (counts.low + counts.high)
    found = minimize(
        lambda p: -float(marginal_log_likelihood(p[0], np.exp(p[1]), counts)), [-3.0, -0.5],
        method="Nelder-Mead",
    )  # fmt: skip
    for method in ("dl", "pm"):
        pooled = combine_effects(
            np.log(middle / counts.patient_years), 1.0 / middle, method_re=method
        )
        se = float(pooled.sd_eff_w_re)
        assert abs(found.x[0] - float(pooled.mean_effect_re)) < 0.35 * se
        assert np.exp(found.x[1]) == pytest.approx(float(np.sqrt(pooled.tau2)), abs=0.15)


def test_posterior_of_the_published_table_is_near_the_pooled_estimates() -> None:
    counts = published("catheter")
    posterior = grid_posterior(counts, RatePrior(-3.36, 1.31, 1.02))
    middle = 0.5 * (counts.low + counts.high)
    pooled = combine_effects(np.log(middle / counts.patient_years), 1.0 / middle, method_re="pm")
    assert np.log(posterior.rate_quantile(0.5)) == pytest.approx(
        float(pooled.mean_effect_re), abs=0.1
    )
    low, high = posterior.sd_quantile(0.05), posterior.sd_quantile(0.95)
    assert low < float(np.sqrt(pooled.tau2)) < high
    new = posterior.new_centre(4000, np.random.default_rng(1))
    assert np.quantile(new, 0.95) > posterior.rate_quantile(0.95)


def _ranks(posterior: GridPosterior, log_rate: float, sd: float) -> tuple[float, float]:
    """Return the share of the posterior below each true value."""
    of_rate, of_sd = posterior.weight.sum(axis=1), posterior.weight.sum(axis=0)
    return (
        float(np.interp(log_rate, posterior.log_rate, np.cumsum(of_rate) - 0.5 * of_rate)),
        float(np.interp(sd, posterior.sd, np.cumsum(of_sd) - 0.5 * of_sd)),
    )


def test_the_posterior_is_calibrated_over_its_prior() -> None:
    """Simulation-based calibration: 150 tables of eight studies, ranks are uniform."""
    rng = np.random.default_rng(11)
    prior = RatePrior(np.log(0.03), 0.8, 0.8)
    years = np.array([60.0, 120, 150, 240, 450, 550, 800, 800])
    ranks = []
    for _ in range(150):
        log_rate = prior.mu + prior.sigma * rng.standard_normal()
        sd = float(halfnorm.rvs(scale=prior.sd_scale, random_state=rng))
        k = rng.poisson(years * np.exp(log_rate + sd * rng.standard_normal(years.size)))
        posterior = grid_posterior(Counts(k, k, years), prior, n_rate=41, n_sd=31, n_node=11)
        ranks.append(_ranks(posterior, log_rate, sd))
    for column in np.array(ranks).T:
        seen = np.histogram(column, bins=10, range=(0, 1))[0]
        statistic = float(((seen - 15) ** 2 / 15).sum())
        assert chi2.sf(statistic, 9) > 0.005, seen


def test_known_parameters_of_many_studies_are_found_again() -> None:
    rng = np.random.default_rng(3)
    years = rng.uniform(100, 900, 80)
    k = rng.poisson(years * np.exp(np.log(0.04) + 0.6 * rng.standard_normal(years.size)))
    prior = RatePrior(-3.4, 1.3, 1.0)
    posterior = grid_posterior(Counts(k, k, years), prior, n_rate=81, n_sd=61, n_node=9)
    assert posterior.rate_quantile(0.025) < 0.04 < posterior.rate_quantile(0.975)
    assert posterior.sd_quantile(0.025) < 0.6 < posterior.sd_quantile(0.975)
    assert posterior.rate_quantile(0.975) / posterior.rate_quantile(0.025) < 1.5


def test_draws_of_the_grid_have_its_quantiles() -> None:
    posterior = grid_posterior(COUNTS, RatePrior(-3.4, 1.3, 1.0))
    log_rate, sd = posterior.draw(20_000, np.random.default_rng(5))
    for q in (0.1, 0.5, 0.9):
        assert np.exp(np.quantile(log_rate, q)) == pytest.approx(
            posterior.rate_quantile(q), rel=0.04
        )
        assert np.quantile(sd, q) == pytest.approx(posterior.sd_quantile(q), rel=0.06)


@pytest.mark.parametrize(
    "low, high, years, message",
    [
        ([1, 2], [1], [1.0, 2.0], "differ in number"),
        ([2], [1], [3.0], "high not below low"),
        ([-1], [1], [3.0], "negative"),
        ([1], [1], [0.0], "positive"),
    ],
)
def test_counts_that_are_none_are_refused(low, high, years, message) -> None:
    with pytest.raises(ValueError, match=message):
        Counts(np.array(low), np.array(high), np.array(years))
