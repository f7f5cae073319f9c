"""The population table and the centile bands."""

import numpy as np
import pytest
from scipy.stats import norm

from drift_cases import base_spec, fit_of, permuted_chains, point_posterior, spec_with
from itb_bayes.inference.population import flatten
from itb_bayes.kernel.drift_oracle import design
from itb_bayes.model.plan import plan_drift
from itb_bayes.risk import reference
from itb_bayes.risk.interval import PROBABILITIES, Interval
from itb_bayes.risk.population import population_table
from itb_bayes.risk.reference import dose_bands


def test_the_population_table(tiny_plan):
    spec = base_spec()
    fitted = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 100))
    rows = {(row.quantity, row.group): row for row in population_table(fitted)}
    contrast = {"difference in drift", "difference in mean ratio at year 7",
                "difference in mean ratio at year 10"}  # fmt: skip
    typical = {"typical dose at year 1", "drift of the typical patient",
               "mean of patients' ratios, year 7 to year 1",
               "mean of patients' ratios, year 10 to year 1"}  # fmt: skip
    rows = {(q.removesuffix(" (beyond follow-up)"), g): row for (q, g), row in rows.items()}
    assert set(rows) == {(q, d) for q in typical for d in ("MS", "SCI")} | {
        (q, "MS - SCI") for q in contrast
    }
    assert {row.n_patient for row in rows.values() if row.group != "MS - SCI"} == {6}
    assert {row.n_patient for row in rows.values() if row.group == "MS - SCI"} == {12}
    drift = fitted.posterior["drift"].to_numpy()
    got = rows["drift of the typical patient", "SCI"]
    assert got.interval == Interval.of(100 * np.expm1(drift[..., 1]))
    assert (got.unit, got.p_above_zero) == ("%/year", None)
    got = rows["difference in drift", "MS - SCI"]
    assert got.p_above_zero == pytest.approx((drift[..., 0] > drift[..., 1]).mean())
    for quantity, group in rows:
        interval = rows[quantity, group].interval
        order = [interval.q05, interval.q25, interval.median, interval.q75, interval.q95]
        assert order == sorted(order)


VALUES = {
    "level": [5.0, 5.4], "drift": [0.02, 0.06], "level_sd": 0.5, "drift_sd": 0.04,
    "correlation_01": 0.7, "within_sd": 0.15, "titration_depth": 0.7, "titration_depth_sd": 0.2,
    "titration_follows_level": 0.5, "titration_years": 0.4, "centre_level_sd": 0.25,
    "centre_drift_sd": 0.03, "persistent_share": 0.6, "persistence_years": 1.5,
}  # fmt: skip
YEARS = np.array([0.0, 0.5, 1.0, 4.0, 9.0])


@pytest.mark.parametrize(("process", "switch"), [("none", "no"), ("none", "yes"), ("ou", "yes")])
def test_bands_equal_the_closed_form_of_gaussian_patients(process, switch, tiny_cohort):
    spec = spec_with(process, "gaussian", switch, switch)
    plan = plan_drift(spec, tiny_cohort)
    posterior = point_posterior(spec, plan, 4, 250, spread=0.0, **VALUES)
    fitted = fit_of(spec, plan, posterior)
    got = dose_bands(fitted, "SCI", YEARS)
    assert (got.diagnosis, got.n_fitted, got.quantiles) == ("SCI", 6, PROBABILITIES)

    population = fitted.thinned
    x = design(YEARS, 0.4, plan.structure)
    mean, cov = np.array([5.4, 0.06]), population.cov[0].copy()
    if switch == "yes":
        centre = spec.resolved_priors["level"].params["mean"]
        mean = np.append(mean, 0.7 + 0.5 * (5.4 - centre))
        shift = np.array([1.0, 0.0, 0.5])
        cov += 0.25**2 * np.outer(shift, shift) + np.diag([0.0, 0.03**2, 0.0])
    variance = np.diag(x @ cov @ x.T) + np.exp(2 * population.scalars[0, 0])
    want = x @ mean + np.outer(norm.ppf(PROBABILITIES), np.sqrt(variance))
    np.testing.assert_allclose(np.log(got.dose_ug), want, atol=0.12)
    assert (np.diff(got.dose_ug, axis=0) > 0).all()


def test_bands_keep_the_parameters_of_one_draw_together(tiny_cohort):
    """Half of the draws: a low level, equal patients; the other half: high and far apart."""
    spec = spec_with("none", "gaussian", "no", "no")
    plan = plan_drift(spec, tiny_cohort)
    posterior = point_posterior(spec, plan, 4, 1111, spread=0.0, drift=0.0, within_sd=0.01,
                                drift_sd=1e-6)  # fmt: skip
    high = np.random.default_rng(1).random((4, 1111)) > 0.5
    posterior["level"] = posterior["level"] * 0.0 + np.where(high, 6.0, 4.0)[..., None]
    posterior["level_sd"] = posterior["level_sd"] * 0.0 + np.where(high, 0.5, 0.01)
    got = dose_bands(fit_of(spec, plan, posterior), "MS", np.array([1.0, 2.0]))
    low, top = np.log(got.dose_ug[0, 0]), np.log(got.dose_ug[-1, 0])
    assert low == pytest.approx(4.0 - 0.014 * 1.28, abs=0.02)
    assert top == pytest.approx(6.0 + 0.5 * 1.28, abs=0.1)


def test_bands_of_heavy_tailed_patients_widen_with_time_and_come_from_the_seed(tiny_plan):
    spec = base_spec()
    posterior = permuted_chains(spec, tiny_plan, 4, 250)
    one = dose_bands(fit_of(spec, tiny_plan, posterior), "MS", YEARS)
    same = dose_bands(fit_of(spec, tiny_plan, posterior), "MS", YEARS)
    other = dose_bands(fit_of(spec, tiny_plan, posterior, seed=2), "MS", YEARS)
    np.testing.assert_array_equal(one.dose_ug, same.dose_ug)
    assert not np.array_equal(one.dose_ug, other.dose_ug)
    assert (np.diff(one.dose_ug, axis=0) > 0).all()
    width = np.log(one.dose_ug[-1] / one.dose_ug[0])
    assert width[4] > width[2]
    assert flatten(posterior).sizes["sample"] == 1000 == reference.MAX_DRAWS
