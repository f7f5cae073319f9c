"""The compiled switching filter against its plain reference, and at the edge of the possible."""

import numpy as np
import pytest
from numba import njit
from scipy.linalg import expm

from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import N_OWN, N_PAR, N_STATE, Code, Col, Own, Par, State
from itb_bayes.kernel.regimes.oracle import oracle_log_likelihood
from itb_bayes.kernel.regimes.oracle_moves import named, transition_matrix
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.kernel.regimes.transition import transition
from regimes_cases import (
    N_KIND,
    blank_steps,
    patients,
    population,
    ragged_patients,
    random_patient,
    stack,
)

SEEDS = (1, 2)
COMPLEX_STEP = 1e-30


@njit
def compiled_transition(g, own, t, dt, catheter_age, pump_age, p):
    transition(g, own, t, dt, catheter_age, pump_age, p)


def moved(g, own, t, dt, catheter_age, pump_age):
    p = np.empty((N_STATE, N_STATE))
    compiled_transition(g, own, t, dt, catheter_age, pump_age, p)
    return p


def assert_equal_at_scale(got, want, relative):
    """Compare up to a share of the largest of ``want``."""
    np.testing.assert_allclose(got, want, rtol=relative, atol=relative * np.abs(want).max())


def test_invented_patients_have_every_channel_and_every_action():
    _, data, codes, offsets = ragged_patients()
    assert np.isfinite(data).sum(axis=0).min() > 10
    assert np.isnan(data[:, [Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS]]).sum(axis=0).min() > 10
    assert all((codes[:, Code.ACTION] & (1 << bit)).any() for bit in range(N_KIND))
    for column in (Code.DYE, Code.ASPIRATION, Code.ROTOR):
        assert set(codes[:, column]) == {-1, 0, 1, 2}
    for column in (Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER, Code.BOLUS):
        assert set(codes[:, column]) == {0, 1}
    silent = np.isnan(data[:, Col.ASHWORTH])
    for change in (data[:, Col.DOSE_CHANGE] == 0.0, data[:, Col.DOSE_CHANGE] > 0.0):
        assert (change & silent).any()
        assert (change & ~silent).any()
    assert sorted(set(np.diff(offsets)))[0] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_value_equals_the_reference(seed):
    g, (own, data, codes, offsets) = population(), ragged_patients(seed)
    got = regimes_log_likelihood(g, own, data, codes, offsets)[0]
    want = oracle_log_likelihood(g, own, data, codes, offsets).log_likelihood
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(trace(g, own, data, codes, offsets)[0], got, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("seed", SEEDS)
def test_filtered_beliefs_equal_the_reference(seed):
    g, (own, data, codes, offsets) = population(), ragged_patients(seed)
    belief = trace(g, own, data, codes, offsets)[1]
    want = oracle_log_likelihood(g, own, data, codes, offsets)
    np.testing.assert_allclose(belief[..., 0], want.probability, rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(belief[..., 0].sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(belief[..., 1:3], want.mean, rtol=1e-10, atol=1e-12)
    for column, (a, b) in {3: (0, 0), 4: (0, 1), 5: (1, 1)}.items():
        np.testing.assert_allclose(
            belief[..., column], want.covariance[..., a, b], rtol=1e-10, atol=1e-12
        )


@pytest.fixture(scope="module")
def slopes():
    cases = []
    for seed in SEEDS:
        g, (own, data, codes, offsets) = population(), ragged_patients(seed)
        _, g_bar, own_bar = regimes_log_likelihood(g, own, data, codes, offsets)
        cases.append((g, own, data, codes, offsets, g_bar, own_bar))
    return cases


@pytest.mark.parametrize("par", Par, ids=lambda par: par.name)
def test_population_gradient_equals_a_complex_step_of_the_reference(par, slopes):
    largest = 0.0
    for g, own, data, codes, offsets, g_bar, _ in slopes:
        moved_g = g.astype(complex)
        moved_g[par] += COMPLEX_STEP * 1j
        got = oracle_log_likelihood(moved_g, own, data, codes, offsets).log_likelihood
        want = got.imag / COMPLEX_STEP
        assert_equal_at_scale(g_bar[:, par], want, 1e-10)
        largest = max(largest, np.abs(want).max())
    assert largest > 1e-6


@pytest.mark.parametrize("name", Own, ids=lambda name: name.name)
def test_patient_gradient_equals_a_complex_step_of_the_reference(name, slopes):
    for g, own, data, codes, offsets, _, own_bar in slopes:
        moved_own = own.astype(complex)
        moved_own[:, name] += COMPLEX_STEP * 1j
        got = oracle_log_likelihood(g, moved_own, data, codes, offsets).log_likelihood
        assert_equal_at_scale(own_bar[:, name], got.imag / COMPLEX_STEP, 1e-10)


def test_gradient_equals_central_differences_of_the_reference():
    g, (own, data, codes, offsets) = population(), ragged_patients()
    g_bar = regimes_log_likelihood(g, own, data, codes, offsets)[1].sum(axis=0)
    for par in Par:
        step = np.zeros(N_PAR)
        step[par] = 1e-5 * g[par]
        up, down = (
            oracle_log_likelihood(g + sign * step, own, data, codes, offsets).log_likelihood.sum()
            for sign in (1, -1)
        )
        slope = (up - down) / (2.0 * step[par])
        assert g_bar[par] == pytest.approx(slope, rel=1e-6, abs=1e-5), par.name


@pytest.mark.parametrize("dt", [1e-6, 1e-3, 0.02, 0.25, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("start", [0.0, 0.6, 3.9, 12.0])
def test_transitions_equal_the_reference_and_sum_to_one(start, dt):
    g, own = population(), patients(1)[0]
    t = start + dt
    for catheter_age, pump_age in ((t, t), (dt, dt), (min(t, dt + 0.7), dt)):
        p = moved(g, own, t, dt, catheter_age, pump_age)
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-13)
        assert p.min() >= 0.0
        want = transition_matrix(named(g, Par), named(own, Own), t, dt, catheter_age, pump_age)
        np.testing.assert_allclose(p, want, rtol=1e-9, atol=1e-16)


def generator(g, own):
    """Return the generator of the chain in which every event can follow every other at once."""
    g, own = named(g, Par), named(own, Own)
    q = np.zeros((N_STATE, N_STATE))
    q[State.STABLE, State.TRIGGER] = g.trigger_onset
    q[State.STABLE, State.TOLERANCE_RISING] = g.tolerance_late * (1.0 - g.tolerance_sudden)
    q[State.STABLE, State.TOLERANCE_SETTLED] = g.tolerance_late * g.tolerance_sudden
    q[State.STABLE, State.PROGRESSION] = own.progression_onset
    q[State.TRIGGER, State.STABLE] = g.trigger_end
    q[State.TOLERANCE_RISING, State.TOLERANCE_SETTLED] = g.tolerance_settle
    q[State.PROGRESSION, State.STABLE] = g.progression_end
    catheter = own.catheter_ratio * g.catheter_later
    lesser = catheter * (1.0 - g.severe_share)
    growing = lesser * (1.0 - g.sudden_share)
    q[: State.CATHETER_LEAKING, State.CATHETER_LEAKING] = growing * (1.0 - g.creep_share)
    q[: State.CATHETER_LEAKING, State.CATHETER_CREEPING] = growing * g.creep_share
    q[: State.CATHETER_LEAKING, State.CATHETER_PARTIAL] = lesser * g.sudden_share
    q[: State.CATHETER_LEAKING, State.CATHETER_SEVERE] = catheter * g.severe_share
    q[: State.CATHETER_LEAKING, State.PUMP] = g.pump_hazard / 6.0
    for s in (State.CATHETER_LEAKING, State.CATHETER_CREEPING, State.CATHETER_PARTIAL):
        q[s, State.CATHETER_COMPENSATED] = g.leak_settles
    return q - np.diag(q.sum(axis=1))


@pytest.mark.parametrize(
    ("dt", "largest"), [(1e-4, 4e-9), (0.02, 1.4e-4), (0.08, 1.8e-3), (0.25, 0.0103), (1.0, 0.05)]
)
def test_transitions_are_near_the_matrix_exponential(dt, largest):
    """The largest error of any probability, at constant hazards.

    It is second order in the time: what is left out is a second event between two visits. It is
    largest from a trigger (0.0102 at a quarter, 0.049 at a year), from the stable state 0.0008 and
    0.0091.
    """
    g, own = population(PUMP_SHAPE=1.0, TOLERANCE_EARLY=0.02, CATHETER_FIRST=0.025), patients(1)[0]
    late = 5.0 + dt
    error = np.abs(moved(g, own, late, dt, dt, dt) - expm(generator(g, own) * dt))
    assert error.max() < largest
    assert error[State.STABLE].max() < 0.2 * largest


def assert_finite(g, own, data, codes, offsets):
    ll, g_bar, own_bar = regimes_log_likelihood(g, own, data, codes, offsets)
    for values in (ll, g_bar, own_bar, *trace(g, own, data, codes, offsets)):
        assert np.isfinite(values).all()
    want = oracle_log_likelihood(g, own, data, codes, offsets).log_likelihood
    np.testing.assert_allclose(ll, want, rtol=1e-9)


@pytest.mark.parametrize("action", [1, 2, 1 | 2, 63])
def test_a_fault_confirmed_at_the_first_step_is_not_impossible(action):
    data, codes = blank_steps(np.array([0.0, 0.1, 0.3]))
    data[:, Col.ASHWORTH] = 1.0
    codes[0, Code.ACTION] = action
    assert_finite(population(), *stack([(data, codes)], patients(1)))


@pytest.mark.parametrize("reading", [-100.0, 0.0, 4.0, 100.0])
def test_extreme_readings_are_not_impossible(reading):
    data, codes = blank_steps(np.arange(30) * 0.2)
    data[:, Col.ASHWORTH] = reading
    data[:, Col.PENN] = -reading
    data[:, Col.REFILL] = reading
    data[1::2, Col.DOSE_CHANGE] = 0.0
    data[::2, Col.DOSE_CHANGE] = 3.0
    sharp = population(TRIGGER_TONE_VAR=1e-6, REFILL_VAR=1e-8, PENN_VAR=1e-6, STILL_VAR=1e-4)
    assert_finite(sharp, *stack([(data, codes)], patients(1, TONE_VAR=1e-6)))


def test_a_jump_of_the_neurological_score_is_not_impossible():
    data, codes = blank_steps(np.arange(5) * 0.5)
    data[3, Col.EDSS], data[:, Col.EDSS_YEARS] = 9.0, 0.5
    assert_finite(population(EDSS_VAR=0.01), *stack([(data, codes)], patients(1)))


@pytest.mark.parametrize("result", [0, 1])
def test_fifty_equal_tests_are_not_impossible(result):
    data, codes = blank_steps(np.arange(50) * 0.1)
    codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] = result
    codes[:, [Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER]] = 1
    assert_finite(population(), *stack([(data, codes)], patients(1)))


def test_half_a_century_without_a_record_is_not_impossible():
    assert_finite(population(), *stack([blank_steps(np.array([0.0, 50.0]))], patients(1)))


def test_no_patients_give_nothing():
    empty = np.zeros((0, len(Col))), np.zeros((0, len(Code)), dtype=np.int64)
    ll, g_bar, own_bar = regimes_log_likelihood(
        population(), np.zeros((0, N_OWN)), *empty, np.zeros(1, dtype=np.int64)
    )
    assert (ll.shape, g_bar.shape, own_bar.shape) == ((0,), (0, N_PAR), (0, N_OWN))
    traced = trace(population(), np.zeros((0, N_OWN)), *empty, np.zeros(1, dtype=np.int64))
    assert {len(part) for part in traced} == {0}


def test_order_and_company_of_patients_change_nothing():
    rng = np.random.default_rng(4)
    parts = [random_patient(rng, n, 0.6) for n in (5, 1, 11, 3)]
    own, g = patients(4, rng), population()
    whole = regimes_log_likelihood(g, *stack(parts, own))
    for order in ([2, 0, 3, 1], [3], [1, 2]):
        some = regimes_log_likelihood(g, *stack([parts[i] for i in order], own[order]))
        for got, want in zip(some, whole, strict=True):
            np.testing.assert_array_equal(got, want[order])
