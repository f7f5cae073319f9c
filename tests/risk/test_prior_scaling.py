"""What a patient is told under weaker and stronger priors."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from itb_bayes.risk.prior_scaling import (
    ALL_PRIORS,
    POWERS,
    POWERS_ALONE,
    PriorScaling,
    alone,
    log_priors,
)
from itb_bayes.spec import load_model

N = 4000


@pytest.fixture(scope="module")
def draws():
    return np.random.default_rng(3).standard_normal((2, N))


def two_priors(draws):
    """Two standard normal priors that the data said nothing about."""
    return PriorScaling({"a": stats.norm.logpdf(draws[0]), "b": stats.norm.logpdf(draws[1])})


def by_case(told):
    return {(scaled.prior, scaled.power): scaled for scaled in told}


def test_every_prior_is_scaled_alone_and_all_together(draws):
    told = two_priors(draws).told(np.ones((N, 1)))
    cases = [(ALL_PRIORS, power) for power in POWERS]
    cases += [(name, power) for name in ("a", "b") for power in POWERS_ALONE]
    assert [(scaled.prior, scaled.power) for scaled in told] == cases
    assert {scaled.prior for scaled in alone(told)} == {"a", "b"}
    assert all(scaled.probabilities == (pytest.approx(1.0),) for scaled in told)


def test_probabilities_are_those_of_a_fit_under_the_scaled_prior(draws):
    """A normal prior to the power p has variance 1 / p: exact, since there are no data."""
    above = (draws[0] > 1.0).astype(float)
    told = by_case(two_priors(draws).told(np.column_stack([above, 1.0 - above])))
    for power in (*POWERS_ALONE, 0.8):
        case = told["a", power] if power in POWERS_ALONE else told[ALL_PRIORS, power]
        exact = stats.norm.sf(1.0, scale=power**-0.5)
        assert case.probabilities[0] == pytest.approx(exact, abs=0.02)
        assert sum(case.probabilities) == pytest.approx(1.0)
    for power in POWERS_ALONE:  # the other prior has nothing to do with it
        assert told["b", power].probabilities[0] == pytest.approx(above.mean(), abs=0.01)


def test_no_probability_is_given_on_unreliable_weights():
    rng = np.random.default_rng(5)
    many = {f"x{k}": stats.norm.logpdf(rng.standard_normal(N)) for k in range(400)}
    told = by_case(PriorScaling(many).told(np.full((N, 1), 0.5)))
    assert told[ALL_PRIORS, 0.8].probabilities == ()
    assert told[ALL_PRIORS, 0.8].effective_draws < 100.0
    assert told["x0", 0.5].probabilities == (pytest.approx(0.5),)
    heavy = PriorScaling({"a": -2.0 * np.log(stats.pareto.rvs(0.4, size=N, random_state=1))})
    case = by_case(heavy.told(np.full((N, 1), 0.5)))["a", 0.5]
    assert case.pareto_k > 0.7
    assert case.probabilities == ()


def test_a_patient_with_weights_of_his_own_keeps_them(draws):
    own = stats.norm.pdf(draws[0], loc=0.8)
    own /= own.sum()
    values = draws[0][:, None]
    plain = by_case(two_priors(draws).told(values, own))
    # prior N(0, 1) and weights N(0.8, 1): mean 0.8 / (1 + power)
    for power in POWERS_ALONE:
        # the draws are N(0, 1): times prior^(power - 1) times the weights
        assert plain["a", power].probabilities[0] == pytest.approx(0.8 / (1 + power), abs=0.06)
    few = np.zeros(N)
    few[:50] = 1.0 / 50
    assert all(not scaled.probabilities for scaled in two_priors(draws).told(values, few))


def test_equal_weights_have_no_tail():
    flat = PriorScaling({"a": np.zeros(N)})
    for scaled in flat.told(np.full((N, 1), 0.25)):
        assert scaled.probabilities == (pytest.approx(0.25),)
        assert np.isnan(scaled.pareto_k)
        assert scaled.effective_draws == pytest.approx(N)


def test_variables_stated_in_another_unit_have_their_prior_too():
    spec = load_model("@drift")
    posterior = xr.Dataset(
        {
            "persistence_years": (("chain", "draw"), np.array([[0.5, 1.0]])),
            "correlation_01": (("chain", "draw"), np.array([[0.4, 0.6]])),
            "no_such_prior": (("chain", "draw"), np.array([[0.0, 0.0]])),
        }
    )
    assert set(log_priors(spec, posterior)) == {"persistence_months", "level_drift_correlation"}
