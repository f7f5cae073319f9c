"""The regimes likelihood on arrays, which JAX runs, says what the compiled kernel says."""

import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import Code
from itb_bayes.kernel.regimes_arrays.likelihood import log_likelihood
from itb_bayes.kernel.regimes_arrays.rows import (
    ACTIONS,
    BLANK,
    CONFIRMED,
    STEP,
    actions_of,
    turns_of,
)
from itb_bayes.model.regimes_arrays_op import RegimesOnArrays
from itb_bayes.model.regimes_op import MISSING
from regimes_cases import population, ragged_patients


@pytest.fixture(scope="module")
def patients():
    return ragged_patients()


@pytest.fixture(scope="module")
def turns(patients):
    _, data, codes, offsets = patients
    return turns_of(data, codes, offsets)


@pytest.fixture(scope="module")
def by_kernel(patients):
    return regimes_log_likelihood(population(), *patients)[0]


def test_each_patient_is_as_likely_as_the_kernel_says(patients, turns, by_kernel):
    own = patients[0]
    laid = (turns.data, turns.codes, turns.dt, turns.kind)
    got = log_likelihood(np, population(), own, laid, turns.kinds)
    np.testing.assert_allclose(got, by_kernel, rtol=1e-12, atol=1e-12)


def test_the_cases_hold_every_action(turns):
    assert set(turns.kinds) >= set(ACTIONS)
    assert any(kind & CONFIRMED for kind in turns.kinds)


def test_every_step_and_every_action_has_its_turn(patients, turns):
    _, data, codes, offsets = patients
    for i, (a, b) in enumerate(itertools.pairwise(offsets)):
        kind = turns.kind[:, i]
        is_step = kind == STEP
        np.testing.assert_array_equal(turns.data[is_step, i], data[a:b])
        np.testing.assert_array_equal(turns.codes[is_step, i], codes[a:b])
        want = []
        for bits in codes[a:b, Code.ACTION]:
            want += [STEP, *actions_of(int(bits))]
        want += [BLANK] * (len(kind) - len(want))
        np.testing.assert_array_equal(kind, want)


def test_years_are_since_the_step_before(patients, turns):
    _, data, _, offsets = patients
    for i, (a, b) in enumerate(itertools.pairwise(offsets)):
        dt = turns.dt[turns.kind[:, i] == STEP, i]
        assert dt[0] == 0.0
        np.testing.assert_array_equal(dt[1:], np.diff(data[a:b, 0]))


@pytest.mark.parametrize(
    ("bits", "want"),
    [(0, []), (1, [1]), (3, [3]), (4 | 1, [1, 4]), (32 | 16 | 8 | 2, [2, 8, 16, 32])],
)
def test_actions_of_a_day_follow_one_another(bits, want):
    assert actions_of(bits) == want


def test_the_op_sums_what_patients_say(patients, turns, by_kernel):
    g, own = pt.dvector(), pt.dmatrix()
    data = np.where(np.isnan(turns.data), MISSING, turns.data)
    value = RegimesOnArrays(turns.kinds)(g, own, data, turns.codes, turns.dt, turns.kind)
    assert value.type.shape == ()
    asked = pytensor.function([g, own], value, mode="FAST_COMPILE")
    assert asked(population(), patients[0]) == pytest.approx(by_kernel.sum(), rel=1e-12)
