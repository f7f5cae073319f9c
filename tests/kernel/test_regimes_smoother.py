"""The smoother and the drawn courses against their plain reference, particles, and the truth."""

import numpy as np
import pytest

from itb_bayes.kernel.regimes.layout import N_STATE, Code, Col, State
from itb_bayes.kernel.regimes.oracle_backward import oracle_paths, oracle_smooth
from itb_bayes.kernel.regimes.particle_smoother import particle_smooth
from itb_bayes.kernel.regimes.paths import N_CHANCE, sample_paths
from itb_bayes.kernel.regimes.smoother import smooth
from itb_bayes.kernel.regimes.trace import trace
from regimes_cases import blank_steps, patients, population, ragged_patients, stack

SEEDS = (1, 2)


def chances(rng, n_path, n_step):
    shape = (n_path, n_step + 1, N_CHANCE)
    return rng.random(shape), rng.standard_normal(shape)


def rising_patient(n=20):
    """Return an ordinary course with a rise from the middle on, and a fault confirmed late."""
    rng = np.random.default_rng(8)
    data, codes = blank_steps(0.25 * np.arange(n))
    late = np.arange(n) > n // 2
    data[:, Col.LOG_DOSE] = 5.0 + np.where(late, 0.03 * (np.arange(n) - n // 2), 0.0)
    data[:, Col.ASHWORTH] = 1.0 + 0.3 * rng.standard_normal(n) + 0.6 * late
    data[:, Col.PENN] = 1.0 + 0.4 * rng.standard_normal(n)
    codes[n - 3, Code.ACTION] = 1
    return data, codes


@pytest.mark.parametrize("seed", SEEDS)
def test_smoothed_beliefs_equal_the_reference(seed):
    g, (own, data, codes, offsets) = population(), ragged_patients(seed)
    got = smooth(g, own, data, codes, offsets)
    np.testing.assert_allclose(got[..., 0].sum(axis=1), 1.0, rtol=1e-12)
    for i in range(len(own)):
        steps = slice(offsets[i], offsets[i + 1])
        want = oracle_smooth(g, own[i], data[steps], codes[steps])
        mine = got[steps]
        np.testing.assert_allclose(mine[..., 0], want.probability, rtol=1e-8, atol=1e-13)
        np.testing.assert_allclose(mine[..., 1:3], want.mean, rtol=1e-8, atol=1e-10)
        for column, (a, b) in {3: (0, 0), 4: (0, 1), 5: (1, 1)}.items():
            np.testing.assert_allclose(
                mine[..., column], want.covariance[..., a, b], rtol=1e-8, atol=1e-10
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_courses_equal_the_reference(seed):
    g, (own, data, codes, offsets) = population(), ragged_patients(seed)
    for i in range(len(own)):
        steps = slice(offsets[i], offsets[i + 1])
        random = chances(np.random.default_rng(i), 15, offsets[i + 1] - offsets[i])
        got = sample_paths(g, own[i], data[steps], codes[steps], *random)
        want = oracle_paths(g, own[i], data[steps], codes[steps], *random)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])
        np.testing.assert_allclose(got[2], want[2], rtol=1e-8, atol=1e-10)


def test_a_requirement_that_was_lost_is_found_backwards_too():
    """Every reading is an outlier at first: the reference must take that back as well."""
    g = population(OUTLIER=0.3, START_GAP=3.0)
    data, codes = rising_patient()
    want = oracle_smooth(g, patients(1)[0], data, codes)
    got = smooth(g, *stack([(data, codes)], patients(1)))
    np.testing.assert_allclose(got[..., 0], want.probability, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(got[..., 1:3], want.mean, rtol=1e-8, atol=1e-10)
    filtered = trace(g, *stack([(data, codes)], patients(1)))[1]
    assert filtered[0, 0, 1] - filtered[3, 0, 1] > 1.0
    random = chances(np.random.default_rng(0), 40, len(data))
    for mine, theirs in zip(
        sample_paths(g, patients(1)[0], data, codes, *random),
        oracle_paths(g, patients(1)[0], data, codes, *random),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10)


def test_the_last_step_is_the_filters():
    g, (own, data, codes, offsets) = population(), ragged_patients()
    quiet = codes.copy()
    quiet[offsets[1:] - 1, Code.ACTION] = 0
    last = offsets[1:] - 1
    got = smooth(g, own, data, quiet, offsets)[last]
    np.testing.assert_allclose(got, trace(g, own, data, quiet, offsets)[1][last], atol=1e-12)


def test_a_confirmed_fault_was_there_before():
    g, (data, codes) = population(), rising_patient()
    arrays = stack([(data, codes)], patients(1))
    smoothed, filtered = smooth(g, *arrays)[..., 0], trace(g, *arrays)[1][..., 0]
    found = len(data) - 3
    faults = slice(State.CATHETER_LEAKING, State.PUMP)
    assert smoothed[found, faults].sum() == pytest.approx(1.0, abs=1e-12)
    assert smoothed[found - 1, faults].sum() > filtered[found - 1, faults].sum() + 0.2
    state, after, _ = sample_paths(
        g, arrays[0][0], data, codes, *chances(np.random.default_rng(1), 200, len(data))
    )
    assert ((state[:, found] >= State.CATHETER_LEAKING) & (state[:, found] < State.PUMP)).all()
    assert (after[:, found] == State.STABLE).all()


def test_particles_smooth_alike():
    """The collapse costs little on an ordinary course; docs/results has more courses."""
    g, (data, codes) = population(), rising_patient(16)
    own = patients(1)
    runs = [
        particle_smooth(g, own[0], data, codes, 1500, np.random.default_rng(seed))
        for seed in range(3)
    ]
    want = np.mean([probability for _, probability in runs], axis=0)
    np.testing.assert_allclose(want.sum(axis=1), 1.0, rtol=1e-12)
    got = smooth(g, *stack([(data, codes)], own))[..., 0]
    random = chances(np.random.default_rng(2), 1000, len(data))
    state = sample_paths(g, own[0], data, codes, *random)[0]
    drawn = np.array([(state == s).mean(axis=0) for s in range(N_STATE)]).T
    for found in (got, drawn):
        assert np.abs(found - want).mean() < 0.02
        assert np.abs(found - want).max() < 0.2
    assert np.abs(got - drawn).max() < 0.15


def test_no_patients_give_nothing():
    empty = np.zeros((0, len(Col))), np.zeros((0, len(Code)), dtype=np.int64)
    none = smooth(population(), np.zeros((0, 6)), *empty, np.zeros(1, dtype=np.int64))
    assert none.shape == (0, N_STATE, 6)


@pytest.mark.parametrize("reading", [-100.0, 100.0])
def test_extreme_readings_are_smoothed(reading):
    data, codes = blank_steps(np.arange(12) * 0.2)
    data[:, Col.ASHWORTH] = reading
    data[:, Col.REFILL] = reading
    sharp = population(TRIGGER_TONE_VAR=1e-6, REFILL_VAR=1e-8, PENN_VAR=1e-6)
    arrays = stack([(data, codes)], patients(1, TONE_VAR=1e-6))
    got = smooth(sharp, *arrays)
    assert np.isfinite(got).all()
    random = chances(np.random.default_rng(3), 20, len(data))
    assert np.isfinite(sample_paths(sharp, arrays[0][0], data, codes, *random)[2]).all()
