"""The cohort's dose under a stop rule, beside the fitted habit."""

from dataclasses import replace

import numpy as np
import pytest

from itb_bayes.errors import ModelError
from itb_bayes.kernel.regimes.future import dose_paths
from itb_bayes.kernel.regimes.layout import N_OWN, N_STATE, Own, Par, State
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.risk.policy import compare_policy


def test_a_rule_that_never_applies_changes_nothing(regimes_fit):
    for year in compare_policy(regimes_fit, -1.0, (1.0, 2.0)):
        assert year.habit_ug == year.policy_ug
        assert year.difference_percent.q05 == year.difference_percent.q95 == 0.0
        assert year.p_lower == 0.0


def test_a_rule_that_always_applies_never_raises_a_dose(regimes_fit):
    one, five = compare_policy(regimes_fit, 4.0, (5.0, 1.0))
    assert (one.years, five.years) == (1.0, 5.0)
    assert one.policy_ug.q95 <= one.habit_ug.q95
    assert five.p_lower > 0.9
    # No path can rise: the mean dose falls from year to year.
    assert five.policy_ug.median <= one.policy_ug.median


def test_it_is_the_same_every_time(regimes_fit):
    assert compare_policy(regimes_fit, 1.0, (1.0,)) == compare_policy(regimes_fit, 1.0, (1.0,))


def test_a_fit_without_doses_is_refused(regimes_fit):
    channels = tuple(c for c in regimes_fit.plan.channels if c != "dose")
    other = replace(regimes_fit, plan=replace(regimes_fit.plan, channels=channels))
    with pytest.raises(ModelError, match="only where the model reads doses"):
        compare_policy(other, 1.0)


def test_without_noise_the_dose_answers_the_reading():
    # A stable patient whose requirement is e^0.5 times their dose: tone above the goal, every visit
    # raises the dose by gain x excess, until the requirement is met; a stop rule at 4 forbids it.
    g = np.full(len(Par), 1e-12)
    g[Par.HILL], g[Par.GAIN], g[Par.STILL_VAR], g[Par.TITRATION_YEARS] = 1.6, 0.5, 0.01, 1.0
    own = np.zeros(N_OWN)
    own[Own.UNTREATED], own[Own.GOAL], own[Own.CATHETER_RATIO] = 3.0, 1.0, 1.0
    belief = np.zeros((N_STATE, N_BELIEF))
    belief[0, :2] = 1.0, 5.5
    horizons = np.array([0.15, 3.0])
    random = np.zeros((1, 1 + 6 * 31)), np.full((1, 1 + 6 * 31), 0.5)
    rest = (5.0, 0.0, 3.0, 3.0, 3.0, 0.1, horizons, *random)
    free = dose_paths(g, own, belief, *rest, -1.0, True)[0]
    tone = 3.0 / (1.0 + np.exp(-1.6 * 0.5 + np.log(2.0)))
    assert free[0] == pytest.approx(5.0 + 0.5 * (tone - 1.0), rel=1e-6)
    assert free[1] == pytest.approx(5.5, abs=1e-3)
    assert dose_paths(g, own, belief, *rest, 4.0, True)[0] == pytest.approx([5.0, 5.0])


def test_a_fault_that_is_found_takes_its_loss_away():
    # A settled leak that added 0.5 to the requirement: found at once the dose comes down again,
    # never found it stays.
    g = np.full(len(Par), 1e-12)
    g[Par.HILL], g[Par.GAIN], g[Par.STILL_VAR], g[Par.TITRATION_YEARS] = 1.6, 0.5, 0.01, 1.0
    g[Par.LEAK_DROP] = 0.5
    own = np.zeros(N_OWN)
    own[Own.UNTREATED], own[Own.GOAL], own[Own.CATHETER_RATIO] = 3.0, 1.0, 1.0
    belief = np.zeros((N_STATE, N_BELIEF))
    belief[State.CATHETER_PARTIAL, :2] = 1.0, 5.5
    random = np.zeros((1, 1 + 6 * 31)), np.full((1, 1 + 6 * 31), 0.5)
    rest = (5.5, 0.0, 3.0, 3.0, 3.0, 0.1, np.array([3.0]), *random, -1.0, True)
    assert dose_paths(g, own, belief, *rest)[0] == pytest.approx([5.5], abs=1e-3)
    for way in ({Par.FOUND_CATHETER: 100.0}, {Par.WORK_UP: 200.0, Par.DYE_SENSITIVITY: 0.5}):
        found = g.copy()
        found[list(way)] = list(way.values())
        assert dose_paths(found, own, belief, *rest)[0] == pytest.approx([5.0], abs=1e-3)
