"""The particle filter where it must be exact, and what the switching filter approximates."""

import numpy as np
import pytest

from itb_bayes.kernel.regimes.layout import Code, Col, Par
from itb_bayes.kernel.regimes.oracle import oracle_log_likelihood
from itb_bayes.kernel.regimes.particle import particle_filter
from regimes_cases import blank_steps, patients, population, random_patient, stack

VARIANCES = {p.name: 0.0 for p in Par if p.name.endswith("_VAR")} | {
    name: population()[Par[name]] for name in ("REFILL_VAR", "EDSS_VAR", "PENN_VAR")
}
POLICY = {"DOSE_VAR": 0.1**2, "STILL_VAR": 0.4**2}
NO_JUMPS = dict.fromkeys(
    (
        "TOLERANCE_RATE",
        "TOLERANCE_STEP",
        "PROGRESSION_RATE",
        "LEAK_RATE",
        "CREEP_RATE",
        "CREEP_DROP",
        "LEAK_STEP",
        "LEAK_DROP",
        "RESET_DROP",
    ),
    0.0,
)


def runs(g, own, data, codes, n, times):
    """Return log of the mean likelihood, its standard error, and mean probabilities."""
    pairs = [
        particle_filter(g, own[0], data, codes, n, np.random.default_rng(seed))
        for seed in range(times)
    ]
    ll = np.array([pair[0] for pair in pairs])
    mean = np.log(np.mean(np.exp(ll - ll.max()))) + ll.max()
    error = np.std(np.exp(ll - mean), ddof=1) / np.sqrt(times)
    return mean, error, np.mean([pair[1] for pair in pairs], axis=0)


def test_with_a_known_requirement_it_is_exact():
    data, codes = random_patient(np.random.default_rng(3), 14, 0.7)
    data[:, Col.DOSE_CHANGE] = np.where(np.isnan(data[:, Col.ASHWORTH]), np.nan, 0.0)
    g, own = population(**(VARIANCES | POLICY | NO_JUMPS | {"OUTLIER": 1e-200})), patients(1)
    ll, probability = particle_filter(g, own[0], data, codes, 20, np.random.default_rng(0))
    want = oracle_log_likelihood(g, *stack([(data, codes)], own))
    assert ll == pytest.approx(want.log_likelihood[0], rel=1e-10)
    np.testing.assert_allclose(probability, want.probability, rtol=1e-8, atol=1e-14)


def test_in_the_linear_range_it_agrees_within_its_own_error():
    rng = np.random.default_rng(5)
    data, codes = blank_steps(0.3 * np.arange(12))
    data[:, Col.ASHWORTH] = 1.0 + 0.3 * rng.standard_normal(12)
    data[:, Col.PENN] = 1.0 + 0.3 * rng.standard_normal(12)
    never = dict.fromkeys(
        ("TRIGGER_ONSET", "TOLERANCE_EARLY", "TOLERANCE_LATE", "CATHETER_FIRST", "CATHETER_LATER",
         "PUMP_HAZARD", "START_GAP", "TITRATION"), 0.0,
    )  # fmt: skip
    small = {"START_VAR": 0.1**2, "WANDER_VAR": 0.03**2, "TITRATION_VAR": 0.0, "OUTLIER": 1e-6}
    g, own = population(**(never | small)), patients(1, PROGRESSION_ONSET=0.0)
    ll, error, _ = runs(g, own, data, codes, 4000, 8)
    want = oracle_log_likelihood(g, *stack([(data, codes)], own)).log_likelihood[0]
    assert error < 0.02
    assert ll == pytest.approx(want, abs=4.0 * error + 0.01)


@pytest.mark.parametrize("dose_only", [False, True])
def test_the_switching_filter_is_near(dose_only):
    """An ordinary course with a rise, a negative dye study and a confirmed fault."""
    rng = np.random.default_rng(8)
    n = 20
    data, codes = blank_steps(0.25 * np.arange(n))
    data[:, Col.LOG_DOSE] = 5.0 + np.where(np.arange(n) > 10, 0.03 * (np.arange(n) - 10), 0.0)
    data[:, Col.ASHWORTH] = 1.0 + 0.3 * rng.standard_normal(n) + 0.4 * (np.arange(n) > 10)
    data[:, Col.PENN] = 1.0 + 0.4 * rng.standard_normal(n)
    data[:, Col.DOSE_CHANGE] = np.diff(data[:, Col.LOG_DOSE], append=data[-1, Col.LOG_DOSE])
    data[np.abs(data[:, Col.DOSE_CHANGE]) < 1e-9, Col.DOSE_CHANGE] = 0.0
    codes[14, Code.DYE] = 0
    codes[16, Code.ACTION] = 1
    if dose_only:
        data[:, [Col.ASHWORTH, Col.PENN]] = np.nan
    g, own = population(), patients(1)
    ll, error, probability = runs(g, own, data, codes, 4000, 8)
    want = oracle_log_likelihood(g, *stack([(data, codes)], own))
    assert error < 0.08
    assert ll == pytest.approx(want.log_likelihood[0], abs=0.8)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    assert np.abs(probability - want.probability).mean() < 0.01
    assert np.abs(probability - want.probability).max() < 0.12


def test_one_seed_gives_one_answer():
    data, codes = random_patient(np.random.default_rng(3), 6, 0.7)
    first, second = (
        particle_filter(population(), patients(1)[0], data, codes, 50, np.random.default_rng(1))
        for _ in range(2)
    )
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])
