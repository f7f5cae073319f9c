"""Metrics against scikit-learn (dcurves and lifelines hold pandas below 3)."""

import numpy as np
import pytest
from sklearn.metrics import (
    brier_score_loss,
    d2_brier_score,
    mean_pinball_loss,
    roc_auc_score,
)

from itb_bayes.evaluate.accuracy import area_under_curve, brier_score, index_of_accuracy
from itb_bayes.evaluate.holdout import crps_of_draws


def judged(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 4, 500), 2)
    return p, rng.random(500) < p


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    p, truth = judged(seed)
    weight = np.random.default_rng(seed).integers(0, 4, 500).astype(float)
    assert brier_score(p, truth) == pytest.approx(brier_score_loss(truth, p))
    assert index_of_accuracy(p, truth) == pytest.approx(d2_brier_score(truth, p))
    assert area_under_curve(p, truth) == pytest.approx(roc_auc_score(truth, p))
    assert area_under_curve(p, truth, weight) == pytest.approx(
        roc_auc_score(truth, p, sample_weight=weight)
    )


def test_crps_is_twice_the_mean_pinball_loss_over_all_quantiles() -> None:
    """Laio & Tamea 2007 (Hydrol Earth Syst Sci 11:1267)."""
    draws = np.sort(np.random.default_rng(4).normal(5.0, 0.3, 400))
    for observed in (4.2, 5.1, 6.0):
        losses = [
            mean_pinball_loss([observed], [draw], alpha=(k + 0.5) / draws.size)
            for k, draw in enumerate(draws)
        ]
        assert crps_of_draws(draws, observed) == pytest.approx(2.0 * np.mean(losses), rel=1e-6)
