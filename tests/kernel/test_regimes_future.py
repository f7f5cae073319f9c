"""Paths of the dose to come, against courses that the plain simulator draws of the same model."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from itb_bayes.kernel.regimes.future import NORMALS_A_VISIT, UNIFORMS_A_VISIT, dose_paths
from itb_bayes.kernel.regimes.layout import N_STATE, Col, Par, State
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.simulate.regimes_course import draw_courses
from regimes_cases import blank_steps, patients, population, stack

N_PATH, N_VISIT, GAP, T = 2500, 6, 0.2, 0.9
LOG_DOSE = 5.3
NO_RULE = -1.0
BUSY = {
    "TRIGGER_ONSET": 0.6, "TOLERANCE_EARLY": 0.3, "TOLERANCE_LATE": 0.3, "OUTLIER": 0.1,
    "UNRULED": 0.2, "START_VAR": 0.04, "TITRATION": 0.5, "TITRATION_VAR": 1.0,
    "CATHETER_FIRST": 1e-9, "CATHETER_LATER": 1e-9, "PUMP_HAZARD": 1e-9, "FOUND_CATHETER": 1e-9,
    "FOUND_PUMP": 1e-9, "WORK_UP": 1e-9,
}  # fmt: skip
"""Everything but faults moves: how they are found differs between the two on purpose."""


def paths_of(g, own, horizons, *, t=T, written=True, seed=2):
    belief = np.zeros((N_STATE, N_BELIEF))
    belief[State.STABLE] = 1.0, LOG_DOSE + g[Par.START_GAP], 0.0, g[Par.START_VAR], 0.0, 0.0
    rng = np.random.default_rng(seed)
    n_visit = int(np.ceil(horizons[-1] / GAP)) + 1
    return dose_paths(
        g, own, belief, LOG_DOSE, 0.0, t, t, t, GAP, horizons,
        rng.standard_normal((N_PATH, 1 + NORMALS_A_VISIT * n_visit)),
        rng.random((N_PATH, 1 + UNIFORMS_A_VISIT * n_visit)), NO_RULE, written,
    )  # fmt: skip


def drawn_doses(g, own, *, written):
    t = T + GAP * np.arange(N_VISIT + 1)
    data, codes = blank_steps(t)
    data[:, Col.LOG_DOSE] = LOG_DOSE
    data[1:, Col.DOSE_CHANGE] = 0.0
    if written:
        data[1:, Col.ASHWORTH] = 0.0
    _, data, codes, offsets = stack([(data.copy(), codes.copy())] * N_PATH, patients(N_PATH))
    every = np.tile(own, (N_PATH, 1))
    drawn = draw_courses(
        g, every, data, codes, offsets, np.random.default_rng(3), tone_seen=written
    )
    steps = drawn.data.reshape(N_PATH, N_VISIT + 1, -1)
    return steps[:, 1:, Col.LOG_DOSE] + steps[:, 1:, Col.DOSE_CHANGE]


@pytest.mark.parametrize("written", [True, False])
def test_paths_are_those_of_the_plain_simulator(written):
    g, own = population(**BUSY), patients(1)[0]
    horizons = np.array([1, N_VISIT]) * GAP + 0.5 * GAP
    paths = paths_of(g, own, horizons, written=written)
    drawn = drawn_doses(g, own, written=written)
    for column, visit in enumerate((0, N_VISIT - 1)):
        told, true = paths[:, column], drawn[:, visit]
        # Unchanged doses are ties, of which the test must not make a difference.
        assert ks_2samp(told, true).pvalue > 1e-3
        assert (told == LOG_DOSE).mean() == pytest.approx((true == LOG_DOSE).mean(), abs=0.04)
        assert told.std() == pytest.approx(true.std(), rel=0.06)


@pytest.mark.parametrize("left_out", ["OUTLIER", "UNRULED", "TITRATION_VAR"])
def test_each_of_what_used_to_be_left_out_widens_the_paths(left_out):
    own, horizons = patients(1)[0], np.array([3.5 * GAP])
    with_it, without = (
        paths_of(population(**{**BUSY, **change}), own, horizons, t=0.1)[:, 0].std()
        for change in ({}, {left_out: 1e-9})
    )
    assert with_it > 1.01 * without


def test_what_a_repair_takes_off_varies_from_leak_to_leak():
    # All are leaking and found at the next visit; nothing else varies.
    still = dict.fromkeys(("WANDER_VAR", "TITRATION_VAR", "OUTLIER", "UNRULED", "DOSE_VAR"), 1e-12)
    quiet = dict.fromkeys(("TRIGGER_ONSET", "TOLERANCE_EARLY", "TOLERANCE_LATE", "STILL"), 1e-12)
    own, spreads = patients(1, TONE_VAR=1e-12)[0], []
    for sd in (1e-6, 0.3):
        g = population(**still, **quiet, FOUND_CATHETER=1e4, LEAK_DROP_VAR=sd**2)
        belief = np.zeros((N_STATE, N_BELIEF))
        belief[State.CATHETER_PARTIAL, :2] = 1.0, LOG_DOSE + 0.4
        rng = np.random.default_rng(2)
        paths = dose_paths(
            g, own, belief, LOG_DOSE, 0.0, 5.0, 5.0, 5.0, GAP, np.array([1.5 * GAP]),
            rng.standard_normal((300, 1 + 2 * NORMALS_A_VISIT)),
            rng.random((300, 1 + 2 * UNIFORMS_A_VISIT)), NO_RULE, True,
        )  # fmt: skip
        spreads.append(paths[:, 0].std())
    assert spreads[1] > 3.0 * spreads[0]
