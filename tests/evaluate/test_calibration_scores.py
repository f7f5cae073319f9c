"""Scores at the truth average nought, and tell which parameter an error moves."""

import numpy as np
import pytest

from itb_bayes.checks.regimes_prior import draw_regimes_prior
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.scores import Scores, scores_at_truth
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.kernel.regimes.layout import Par
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model

N_COHORT = 30


@pytest.fixture(scope="module")
def clinic():
    """The clinic's design, and as many draws of the population from the priors."""
    spec = load_model("@regimes")
    plan = plan_regimes(spec, Cohort.read(demo_cohort_dir()))
    return plan, regimes_draws(plan, draw_regimes_prior(spec, plan, N_COHORT, 4))


def test_scores_at_the_truth_average_nought(clinic):
    scores = scores_at_truth(*clinic, seed=1)
    assert len(scores.names) == scores.values.shape[1] == scores.z.size
    told = scores.z[np.isfinite(scores.z)]
    # Of 80 or so, the largest by chance alone is about 3; what spasms were read by once gave 6.
    assert told.size > 70
    assert np.abs(told).max() < 4.5
    assert np.square(told).mean() < 1.7


def test_an_error_shows_in_the_parameter_that_it_moves(clinic):
    plan, draws = clinic
    g = draws.g.copy()
    g[:, Par.PENN_SLOPE] *= 1.15
    scores = scores_at_truth(plan, draws, seed=1, seen=RegimesDraws(g, draws.own))
    worst = scores.names[int(np.nanargmax(np.abs(scores.z)))]
    assert worst in ("penn_slope", "penn_intercept")
    assert scores.z[Par.PENN_SLOPE] < -6.0


def test_a_parameter_of_which_nothing_is_said_has_no_shift():
    scores = Scores(("told", "silent"), np.array([[1.0, 0.0], [3.0, 0.0]]))
    assert scores.shift[0] == pytest.approx(2.0 / np.sqrt(2.0))
    assert scores.z[0] == pytest.approx(2.0)
    assert np.isnan(scores.shift[1])
    assert np.isnan(scores.z[1])
