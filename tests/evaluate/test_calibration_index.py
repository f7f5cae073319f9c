"""ICI, E50, E90 and net benefit, against statsmodels, scikit-learn and published figures."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from statsmodels.nonparametric.smoothers_lowess import lowess

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.benefit import net_benefits
from itb_bayes.evaluate.calibration_index import (
    Smoother,
    calibration_indexes,
    index_values,
)


def sample(n: int, seed: int = 1, a: float = 1.0, b: float = 3.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(a, b, n)
    return p, rng.random(n) < p, np.arange(n)


def test_the_curve_is_that_of_lowess() -> None:
    p, truth, _ = sample(400)
    at, curve = Smoother(p).curve(truth.astype(float))
    theirs = lowess(truth.astype(float), p, frac=2 / 3, it=0, xvals=at)
    np.testing.assert_allclose(curve, np.clip(theirs, 0, 1), atol=0.004)


def test_ties_and_constants_are_means() -> None:
    p = np.repeat([0.2, 0.7], 50)
    truth = np.tile([True, False], 50)
    distances = Smoother(p).distances(truth.astype(float)[None])
    np.testing.assert_allclose(distances[0], np.abs(0.5 - p), atol=1e-9)
    same = Smoother(np.full(30, 0.3)).distances((np.arange(30) < 15).astype(float)[None])
    np.testing.assert_allclose(same, 0.2, atol=1e-9)


def test_weights_are_repeats() -> None:
    p, truth, _ = sample(60)
    weight = np.random.default_rng(3).integers(0, 4, 60).astype(float)
    times = weight.astype(int)
    one = Smoother(p, weight).distances(truth.astype(float)[None])
    other = Smoother(np.repeat(p, times)).distances(np.repeat(truth, times).astype(float)[None])
    a, b = index_values(one, weight), index_values(other)
    np.testing.assert_allclose(a, b, atol=0.003)


def test_perfect_probabilities_lie_in_their_band_and_doubled_ones_do_not() -> None:
    p, truth, patient = sample(600)
    right = calibration_indexes(patient, p, truth, n_draw=200, n_resample=60)
    assert right.ici.inside
    assert right.e90.inside
    assert right.ici.found.low <= right.ici.found.value
    assert right.e50.expected < right.ici.expected < right.e90.expected
    wrong = calibration_indexes(patient, np.minimum(2 * p, 1.0), truth, n_draw=200, n_resample=60)
    assert not wrong.ici.inside
    assert wrong.ici.found.value == pytest.approx(p.mean(), rel=0.25)


def test_lasting_conditions_make_the_band_wider() -> None:
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(40), 10)
    t_years = np.tile(0.25 * np.arange(10), 40)
    p = rng.beta(1, 3, 400)
    truth = rng.random(400) < p
    plain = calibration_indexes(patient, p, truth, n_draw=200, n_resample=20)
    lasting = calibration_indexes(
        patient, p, truth, t_years=t_years, persistence_years=3.0, n_draw=200, n_resample=20
    )
    assert lasting.ici.band_high > plain.ici.band_high


def test_too_few_or_impossible_probabilities_are_refused() -> None:
    p, truth, patient = sample(9)
    with pytest.raises(UsageError, match="at least ten"):
        calibration_indexes(patient, p, truth)
    p, truth, patient = sample(20)
    with pytest.raises(UsageError, match="between 0 and 1"):
        calibration_indexes(patient, p + 1.0, truth)


def test_net_benefit_is_that_of_the_confusion_matrix() -> None:
    p, truth, patient = sample(300)
    for found in net_benefits(patient, p, truth, n_resample=50):
        (_, fp), (_, tp) = confusion_matrix(truth, p >= found.threshold)
        odds = found.threshold / (1 - found.threshold)
        assert found.model.value == pytest.approx(100 * (tp - odds * fp) / 300)
        all_on = 100 * (truth.mean() - odds * (1 - truth.mean()))
        assert found.act_on_all == pytest.approx(all_on)
        assert found.gain.value == pytest.approx(found.model.value - max(all_on, 0.0))
        assert found.model.low <= found.model.value <= found.model.high


def test_patients_are_resampled_whole() -> None:
    p, truth, _ = sample(200)
    alone = net_benefits(np.arange(200), p, truth, (0.2,))[0].model
    copies = net_benefits(
        np.repeat(np.arange(200), 5), np.repeat(p, 5), np.repeat(truth, 5), (0.2,)
    )[0].model
    assert copies.value == pytest.approx(alone.value)
    assert copies.high - copies.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_thresholds_lie_inside_the_unit_interval() -> None:
    p, truth, patient = sample(20)
    with pytest.raises(UsageError, match="between 0 and 1"):
        net_benefits(patient, p, truth, (0.0,))
