"""What the next test would do to the probabilities."""

import numpy as np
import pytest
from scipy.stats import norm

from itb_bayes.inference.regimes_states import COLLAPSE, filter_patients
from itb_bayes.kernel.regimes.findings import REFILL_OUTLIER
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, N_STATE, Par, State
from itb_bayes.risk.next_tests import SHORTFALL, next_tests

NAMES = {"interrogation and volume", "dye study", "rotor study", "drug holiday"}
CATHETER = [5, 6, 7, 8, 9]


@pytest.fixture(scope="module")
def situation(regimes_fit):
    """Parameters, states and weights of a patient in whom everything is possible."""
    rng = np.random.default_rng(3)
    g = regimes_fit.population().g
    weight = rng.dirichlet(np.ones(len(g)))
    return g, rng.dirichlet(np.ones(N_STATE), len(g)), weight


def test_outcomes_sum_to_one_and_keep_the_average(situation):
    g, states, weight = situation
    before = weight @ states @ COLLAPSE
    found = next_tests(g, states, weight)
    assert {test.name for test in found} == NAMES
    for test in found:
        assert sum(outcome.probability for outcome in test.outcomes) == pytest.approx(1.0)
        after = sum(
            outcome.probability * np.array([outcome.after[name] for name in EXPLANATIONS])
            for outcome in test.outcomes
        )
        np.testing.assert_allclose(after, before, atol=1e-12)
        for outcome in test.outcomes:
            assert sum(outcome.after.values()) == pytest.approx(1.0)
            assert 0.0 < outcome.probability < 1.0


def test_the_one_worth_most_is_first_and_none_is_worth_less_than_nothing(situation):
    worth = [test.worth_bits for test in next_tests(*situation)]
    assert worth == sorted(worth, reverse=True)
    assert min(worth) >= 0.0
    assert max(worth) <= np.log2(6)


@pytest.mark.parametrize("fault", CATHETER)
def test_a_dye_study_by_hand(fault):
    """Bayes with one draw: half of the patients have one form of a fault of the catheter."""
    g = np.full((1, len(Par)), 0.5)
    g[0, [Par.DYE_SENSITIVITY, Par.DYE_FALSE]] = 0.8, 0.1
    g[0, [Par.BLOCKED_FAULT, Par.BLOCKED_INTACT]] = 0.4, 0.2
    states = np.zeros((1, N_STATE))
    states[0, [State.STABLE, fault]] = 0.5
    dye = next(t for t in next_tests(g, states, np.ones(1)) if t.name == "dye study")
    outcomes = {o.name: o for o in dye.outcomes}
    positive = 0.5 * 0.6 * 0.8 + 0.5 * 0.8 * 0.1
    assert outcomes["positive"].probability == pytest.approx(positive)
    assert outcomes["positive"].after["catheter"] == pytest.approx(0.5 * 0.6 * 0.8 / positive)
    negative = 0.5 * 0.6 * 0.2 + 0.5 * 0.8 * 0.9
    assert outcomes["negative"].after["catheter"] == pytest.approx(0.5 * 0.6 * 0.2 / negative)
    blocked = outcomes["cannot be aspirated"]
    assert blocked.probability == pytest.approx(0.3)
    assert blocked.after["catheter"] == pytest.approx(0.2 / 0.3)

    def entropy(p):
        return -sum(x * np.log2(x) for x in (p, 1.0 - p))

    remaining = sum(o.probability * entropy(o.after["catheter"]) for o in dye.outcomes)
    assert dye.worth_bits == pytest.approx(1.0 - remaining)


def test_a_volume_left_behind_speaks_for_the_pump(situation):
    g, states, weight = situation
    volume = next(t for t in next_tests(g, states, weight) if t.name.startswith("interrogation"))
    left, expected = volume.outcomes
    before = (weight @ states @ COLLAPSE)[EXPLANATIONS.index("pump")]
    assert left.after["pump"] > before > expected.after["pump"]
    sd = np.sqrt(1.25 * g[:, Par.REFILL_VAR])
    plain = (1 - REFILL_OUTLIER) * norm.sf(SHORTFALL / sd) + 0.5 * REFILL_OUTLIER
    spread = np.sqrt(1.25 * g[:, Par.REFILL_VAR] + g[:, Par.REFILL_PUMP_VAR])
    pump = (1 - REFILL_OUTLIER) * norm.sf((SHORTFALL - g[:, Par.REFILL_PUMP]) / spread)
    pump += 0.5 * REFILL_OUTLIER
    want = weight @ (states[:, : State.PUMP].sum(axis=1) * plain + states[:, State.PUMP] * pump)
    assert left.probability == pytest.approx(want)


def test_a_rotor_study_and_a_holiday_speak_for_what_they_look_for(situation):
    g, states, weight = situation
    before = dict(zip(EXPLANATIONS, weight @ states @ COLLAPSE, strict=True))
    tests = {test.name: test for test in next_tests(g, states, weight)}
    rotor, holiday = tests["rotor study"], tests["drug holiday"]
    assert rotor.outcomes[0].after["pump"] > before["pump"] > rotor.outcomes[1].after["pump"]
    lower, same = holiday.outcomes
    assert lower.name == "requirement lower afterwards"
    assert lower.after["tolerance"] > before["tolerance"] > same.after["tolerance"]


def test_nothing_is_learned_where_the_explanation_is_certain(situation):
    g, _, weight = situation
    states = np.zeros((len(g), N_STATE))
    states[:, State.PUMP] = 1.0
    for test in next_tests(g, states, weight):
        assert test.worth_bits == pytest.approx(0.0, abs=1e-12)
        assert all(outcome.after["pump"] == pytest.approx(1.0) for outcome in test.outcomes)


def test_an_outcome_that_cannot_be_changes_nothing():
    g = np.full((1, len(Par)), 0.5)
    g[0, [Par.BLOCKED_FAULT, Par.BLOCKED_INTACT]] = 0.0
    states = np.full((1, N_STATE), 1.0 / N_STATE)
    dye = next(t for t in next_tests(g, states, np.ones(1)) if t.name == "dye study")
    blocked = dye.outcomes[2]
    assert blocked.probability == 0.0
    assert blocked.after["catheter"] == pytest.approx(len(CATHETER) / N_STATE)


def test_of_a_patient_of_the_fit(regimes_fit):
    draws = regimes_fit.population()
    states = filter_patients(regimes_fit.plan, draws).after[:, 2, :, 0]
    found = next_tests(draws.g, states, np.full(draws.n_draw, 1.0 / draws.n_draw))
    assert {test.name for test in found} == NAMES
    assert states[:, CATHETER].max() < 1.0
    assert all(np.isfinite(test.worth_bits) for test in found)
