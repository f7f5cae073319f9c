"""Resolution of priors onto the model scale, against scipy's distributions."""

import math

import numpy as np
import pytest
from scipy import stats

from itb_bayes.errors import ModelError
from itb_bayes.spec import PriorSpec, resolve_prior
from itb_bayes.spec.families import FAMILIES
from itb_bayes.spec.units import UNITS


def _prior(unit, family, **numbers):
    return PriorSpec(unit=unit, family=family, source="s", why="w", **numbers)


def _frozen(family, params):
    match family:
        case "normal":
            return stats.norm(params["mean"], params["sd"])
        case "lognormal":
            return stats.lognorm(params["sigma"], scale=math.exp(params["mu"]))
        case "halfnormal":
            return stats.halfnorm(scale=params["sd"])
        case "beta":
            return stats.beta(params["alpha"], params["beta"])
        case "gamma":
            return stats.gamma(params["shape"], scale=1 / params["rate"])
        case _:
            return stats.expon(scale=1 / params["rate"])


# unit, family, interval, the same ends on the model scale, family on the model scale
INTERVALS = [
    ("ug/day", "lognormal", (80, 450), (math.log(80), math.log(450)), "normal"),
    ("percent_per_year", "normal", (-3, 9), (math.log(0.97), math.log(1.09)), "normal"),
    ("percent_per_year_sd", "halfnormal", (0, 8), (0, 0.08), "halfnormal"),
    ("percent_per_year_sd", "exponential", (0, 8), (0, 0.08), "exponential"),
    ("percent_per_year_sd", "lognormal", (1, 8), (0.01, 0.08), "lognormal"),
    ("percent_per_year_sd", "gamma", (1, 8), (0.01, 0.08), "gamma"),
    ("log", "normal", (0, 1.2), (0, 1.2), "normal"),
    ("log", "lognormal", (0.4, 1), (0.4, 1), "lognormal"),
    ("log", "halfnormal", (0, 1), (0, 1), "halfnormal"),
    ("log", "gamma", (0.4, 1), (0.4, 1), "gamma"),
    ("log", "exponential", (0, 1), (0, 1), "exponential"),
    ("ratio", "lognormal", (1.3, 4.5), (math.log(1.3), math.log(4.5)), "normal"),
    ("months", "lognormal", (4, 120), (1 / 3, 10), "lognormal"),
    ("months", "gamma", (4, 120), (1 / 3, 10), "gamma"),
    ("share", "beta", (0.4, 0.95), (0.4, 0.95), "beta"),
    ("count", "lognormal", (2.5, 30), (2.5, 30), "lognormal"),
    ("count", "gamma", (2.5, 30), (2.5, 30), "gamma"),
    ("correlation", "beta", (-0.5, 0.8), (0.25, 0.9), "beta"),
    ("points", "normal", (-0.8, 1), (-0.8, 1), "normal"),
    ("points", "lognormal", (0.15, 0.7), (0.15, 0.7), "lognormal"),
    ("points", "halfnormal", (0, 2), (0, 2), "halfnormal"),
    ("points", "gamma", (0.15, 0.7), (0.15, 0.7), "gamma"),
    ("points", "exponential", (0, 2), (0, 2), "exponential"),
    ("log_rate", "normal", (-0.8, 1), (-0.8, 1), "normal"),
    ("log_rate", "lognormal", (0.15, 0.7), (0.15, 0.7), "lognormal"),
    ("log_rate", "halfnormal", (0, 2), (0, 2), "halfnormal"),
    ("log_rate", "gamma", (0.15, 0.7), (0.15, 0.7), "gamma"),
    ("log_rate", "exponential", (0, 2), (0, 2), "exponential"),
    ("points_per_year", "normal", (-0.1, 0.3), (-0.1, 0.3), "normal"),
    ("per_year", "lognormal", (0.02, 0.2), (0.02, 0.2), "lognormal"),
    ("per_year", "gamma", (0.02, 0.2), (0.02, 0.2), "gamma"),
    ("weeks", "lognormal", (2, 9), (14 / 365.25, 63 / 365.25), "lognormal"),
    ("weeks", "gamma", (2, 9), (14 / 365.25, 63 / 365.25), "gamma"),
    ("number", "lognormal", (1, 2.6), (1, 2.6), "lognormal"),
    ("number", "gamma", (1, 2.6), (1, 2.6), "gamma"),
    ("share_sd", "lognormal", (0.02, 0.1), (0.02, 0.1), "lognormal"),
    ("share_sd", "halfnormal", (0, 0.2), (0, 0.2), "halfnormal"),
    ("share_sd", "gamma", (0.02, 0.1), (0.02, 0.1), "gamma"),
    ("share_sd", "exponential", (0, 0.2), (0, 0.2), "exponential"),
    ("log_per_point", "lognormal", (0.08, 0.4), (0.08, 0.4), "lognormal"),
]


@pytest.mark.parametrize("mass", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("unit, family, interval, ends, model_family", INTERVALS)
def test_interval_has_its_mass_on_the_model_scale(unit, family, interval, ends, model_family, mass):
    prior = resolve_prior("x", _prior(unit, family, interval=interval, mass=mass))
    assert prior.family == model_family
    dist = _frozen(prior.family, prior.params)
    tail = (1 - mass) / 2
    lower = 0.0 if interval[0] == 0 and family in ("halfnormal", "exponential") else tail
    assert dist.cdf(ends[1]) - dist.cdf(ends[0]) == pytest.approx(mass, abs=1e-8)
    assert dist.cdf(ends[0]) == pytest.approx(lower, abs=1e-8)


def test_every_unit_and_family_is_tested():
    assert {(row[0], row[1]) for row in INTERVALS} == {
        (unit.name, family) for unit in UNITS.values() for family in unit.families
    }


# unit, family, params as stated, params on the model scale
PARAMS = [
    ("ug/day", "lognormal", {"mu": 5.0, "sigma": 0.5}, {"mean": 5.0, "sd": 0.5}),
    ("ratio", "lognormal", {"mu": 0.9, "sigma": 0.4}, {"mean": 0.9, "sd": 0.4}),
    ("percent_per_year", "normal", {"mean": 3, "sd": 2}, {"mean": math.log(1.03), "sd": 0.02}),
    ("percent_per_year_sd", "halfnormal", {"sd": 4}, {"sd": 0.04}),
    ("percent_per_year_sd", "exponential", {"rate": 0.25}, {"rate": 25.0}),
    ("percent_per_year_sd", "gamma", {"shape": 2, "rate": 0.5}, {"shape": 2.0, "rate": 50.0}),
    (
        "percent_per_year_sd",
        "lognormal",
        {"mu": 1, "sigma": 0.5},
        {"mu": 1 - math.log(100), "sigma": 0.5},
    ),
    ("months", "lognormal", {"mu": 1, "sigma": 0.5}, {"mu": 1 - math.log(12), "sigma": 0.5}),
    ("months", "gamma", {"shape": 2, "rate": 0.5}, {"shape": 2.0, "rate": 6.0}),
    ("log", "normal", {"mean": 0, "sd": 0.3}, {"mean": 0.0, "sd": 0.3}),
    ("share", "beta", {"alpha": 4, "beta": 1.5}, {"alpha": 4.0, "beta": 1.5}),
    ("correlation", "beta", {"alpha": 4, "beta": 3}, {"alpha": 4.0, "beta": 3.0}),
    ("count", "gamma", {"shape": 2, "rate": 0.1}, {"shape": 2.0, "rate": 0.1}),
    ("points", "normal", {"mean": 1, "sd": 0.3}, {"mean": 1.0, "sd": 0.3}),
    ("weeks", "gamma", {"shape": 2, "rate": 0.5}, {"shape": 2.0, "rate": 0.5 * 365.25 / 7}),
    (
        "weeks",
        "lognormal",
        {"mu": 1, "sigma": 0.5},
        {"mu": 1 - math.log(365.25 / 7), "sigma": 0.5},
    ),
]


@pytest.mark.parametrize("unit, family, stated, expected", PARAMS)
def test_parameters_on_the_model_scale(unit, family, stated, expected):
    prior = resolve_prior("x", _prior(unit, family, params=stated))
    assert prior.params == pytest.approx(expected, rel=1e-9)
    assert set(prior.params) == set(FAMILIES[prior.family].params)


@pytest.mark.parametrize("unit, family, stated, expected", PARAMS)
def test_clinical_interval_is_that_of_the_stated_distribution(unit, family, stated, expected):
    prior = resolve_prior("x", _prior(unit, family, params=stated))
    dist = _frozen(family, {name: float(value) for name, value in stated.items()})
    low, high = dist.ppf([0.05, 0.95])
    if unit == "correlation":
        low, high = 2 * low - 1, 2 * high - 1
    # A normal drift is normal on the log per year; in per cent that is exact to first order only.
    tolerance = 0.2 if unit == "percent_per_year" else 1e-6
    assert prior.interval(0.9) == pytest.approx((low, high), abs=tolerance, rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_quantiles_agree_with_scipy(family):
    params = dict.fromkeys(FAMILIES[family].params, 0.7)
    dist = _frozen(family, params)
    for probability in (0.001, 0.05, 0.5, 0.95, 0.999):
        ours = FAMILIES[family].quantile(params, probability)
        assert ours == pytest.approx(dist.ppf(probability), rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_beta_and_gamma_are_recovered_from_their_intervals(seed):
    rng = np.random.default_rng(seed)
    alpha, beta = rng.uniform(0.3, 60, size=2)
    for family, params in (
        ("beta", {"alpha": alpha, "beta": beta}),
        ("gamma", {"shape": alpha, "rate": beta}),
    ):
        low, high = _frozen(family, params).ppf([0.05, 0.95])
        solved = FAMILIES[family].solve(float(low), float(high), 0.9)
        assert solved == pytest.approx(params, rel=1e-6)


@pytest.mark.parametrize("unit", UNITS.values(), ids=lambda unit: unit.name)
def test_units_go_to_the_model_scale_and_back(unit):
    for value in (0.05, 0.3, 0.9):
        assert unit.to_clinical(unit.to_model(value)) == pytest.approx(value, rel=1e-12)


def test_resolved_numbers_have_ten_digits():
    prior = resolve_prior("x", _prior("ug/day", "lognormal", interval=(80, 450), mass=0.9))
    assert prior.params == {"mean": 5.245637109, "sd": 0.5250378878}


def test_statement_is_in_clinical_units():
    by_interval = resolve_prior("x", _prior("ug/day", "lognormal", interval=(80, 450), mass=0.9))
    by_params = resolve_prior("x", _prior("share", "beta", params={"alpha": 4, "beta": 1.5}))
    assert by_interval.text == "lognormal, 90 % between 80 and 450 µg/day"
    assert by_params.text == "beta(alpha = 4, beta = 1.5) (share)"


def test_other_diagnosis_is_resolved_too():
    single = _prior("ug/day", "lognormal", interval=(200, 900), mass=0.9)
    both = _prior("ug/day", "lognormal", interval=(80, 450), mass=0.9, by={"HSP": single})
    resolved = resolve_prior("level", both)
    assert resolved.by["HSP"].params["mean"] == pytest.approx(math.log(math.sqrt(200 * 900)))
    assert resolved.by["HSP"].name == "level.by.HSP"


@pytest.mark.parametrize(
    "prior, fragment",
    [
        (_prior("mg", "lognormal", interval=(1, 2), mass=0.9), "unit unknown"),
        (_prior("share", "beta", interval=(0.5, 1.0), mass=0.9), "above 0 and below 1"),
        (_prior("correlation", "beta", interval=(-1, 0.5), mass=0.9), "above -1 and below 1"),
        (_prior("count", "gamma", interval=(1, 1.0000001), mass=0.9), "no 'gamma' has mass"),
        (
            _prior("percent_per_year", "normal", params={"mean": -100, "sd": 1}),
            "does not exist",
        ),
    ],
)
def test_a_statement_that_makes_no_distribution_is_an_error(prior, fragment):
    with pytest.raises(ModelError, match=fragment):
        resolve_prior("x", prior)


def test_spec_is_frozen():
    prior = resolve_prior("x", _prior("share", "beta", params={"alpha": 4, "beta": 1.5}))
    with pytest.raises(ValueError, match="frozen"):
        prior.family = "normal"
