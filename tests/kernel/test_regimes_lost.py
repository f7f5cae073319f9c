"""A requirement that a wild reading seemed to have moved, against integrals over a fine grid."""

import numpy as np
import pytest
from scipy.stats import norm

from itb_bayes.kernel.compiled import entry
from itb_bayes.kernel.regimes.backward import lost_at
from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    LOST_VAR,
    N_STATE,
    OUTLIER_DENSITY,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle import Belief, named, with_tone
from itb_bayes.kernel.regimes.response import shift_of
from regimes_cases import blank_steps, patients, population

ASHWORTH, NEED = 0.3, 5.0
BEFORE = np.array([0.0, 6.0, 0.1, 0.35**2, 0.02, 0.3**2])
"""Belief: requirement far above the dose of 5; the reading then is a wild one, or it was lost."""


@entry
def compiled_lost_at(g, own, untreated, s, b, row, code, need, offset):
    return lost_at(g, own, shift_of(untreated), s, b, row, code, need, offset)


def visit(penn):
    data, codes = blank_steps(np.array([2.0]))
    data[0, [Col.ASHWORTH, Col.PENN]] = ASHWORTH, penn
    return data[0], codes[0]


def by_grids(g, own, penn, offset):
    """Return probability, and mean and SD of the requirement before, by sums over grids."""
    row, code = visit(penn)
    par, me = named(g, Par), named(own, Own)
    covariance = np.array([[BEFORE[3], BEFORE[4]], [BEFORE[4], BEFORE[5]]])
    belief = Belief(
        np.ones(N_STATE), np.tile(BEFORE[1:3], (N_STATE, 1)), np.tile(covariance, (N_STATE, 1, 1))
    )
    toned = with_tone(par, me, named(row, Col), named(code, Code), belief)
    expected = toned.mean[State.STABLE, 2]
    slope = toned.covariance[State.STABLE, 2, 0] / BEFORE[3]
    left = np.sqrt(toned.covariance[State.STABLE, 2, 2] - slope**2 * BEFORE[3])
    tie = BEFORE[4] / BEFORE[5]
    was = norm(BEFORE[1] + tie * (offset - BEFORE[2]), np.sqrt(BEFORE[3] - tie * BEFORE[4]))
    tone = np.linspace(-6.0, 12.0, 6001)
    wild = par.outlier * OUTLIER_DENSITY

    def spasms(t):
        if np.isnan(penn):
            return np.ones_like(t)
        mean = par.penn_intercept + par.penn_slope * t + offset
        fits = norm.pdf(penn, mean, np.sqrt(par.penn_var))
        return (1.0 - par.outlier) * fits + par.outlier * OUTLIER_DENSITY

    def over_tone(need, density):
        of_tone = norm.pdf(tone, expected + slope * (need - BEFORE[1]), left)
        return np.trapezoid(of_tone * density, tone)

    read = (1.0 - par.outlier) * norm.pdf(ASHWORTH, tone, np.sqrt(me.tone_var))
    stayed = was.pdf(NEED) * over_tone(NEED, (read + wild * (1.0 - LOST_SHARE)) * spasms(tone))
    needs = np.linspace(was.mean() - 6.0 * was.std(), was.mean() + 6.0 * was.std(), 801)
    weight = was.pdf(needs) * [over_tone(need, spasms(tone)) for need in needs]
    total = np.trapezoid(weight, needs)
    moved = wild * LOST_SHARE * norm.pdf(NEED, row[Col.LOG_DOSE], np.sqrt(LOST_VAR)) * total
    mean = np.trapezoid(weight * needs, needs) / total
    var = np.trapezoid(weight * (needs - mean) ** 2, needs) / total
    return moved / (moved + stayed), mean, np.sqrt(var)


@pytest.mark.parametrize("penn", [np.nan, 0.3, 1.0, 2.0, 2.8, 4.0])
@pytest.mark.parametrize("offset", [-0.3, 0.4])
def test_a_spasm_score_tells_whether_the_requirement_was_lost(penn, offset):
    g, own = population(OUTLIER=0.05), patients(1)[0]
    row, code = visit(penn)
    lost, was, slope, var = compiled_lost_at(
        g, own, own[Own.UNTREATED], int(State.STABLE), BEFORE, row, code, NEED, offset
    )
    want = by_grids(g, own, penn, offset)
    assert lost == pytest.approx(want[0], rel=1e-5)
    assert was == pytest.approx(want[1], rel=1e-6)
    assert np.sqrt(var) == pytest.approx(want[2], rel=1e-5)
    step = 1e-5
    up, down = (
        compiled_lost_at(
            g, own, own[Own.UNTREATED], int(State.STABLE), BEFORE, row, code, NEED, offset + e
        )[1]
        for e in (step, -step)
    )
    # The weight of a wild spasm score is held fixed in the slope, as in every merging by moments.
    if np.isnan(penn):
        assert slope == pytest.approx((up - down) / (2.0 * step), rel=1e-6)


def test_the_score_can_speak_for_either():
    g, own = population(OUTLIER=0.05), patients(1)[0]

    def probability(penn):
        row, code = visit(penn)
        return compiled_lost_at(
            g, own, own[Own.UNTREATED], int(State.STABLE), BEFORE, row, code, NEED, 0.0
        )[0]

    assert probability(0.3) < 0.5 * probability(np.nan)
    assert probability(2.8) > 1.5 * probability(np.nan)
