"""The plain form of the regimes likelihood, which the kernel is timed against, says the same."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from peers.regimes_scan.likelihood import log_likelihood
from peers.regimes_scan.model import as_data
from peers.regimes_scan.rows import rows_of

from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import Code
from itb_bayes.model.regimes_plan import RegimesPlan
from regimes_cases import population, ragged_patients


def plan_of(own, data, codes, offsets):
    """Return a plan of invented steps; groups play no part below the parameters."""
    n = len(own)
    nowhere = np.zeros(n, dtype=np.int64)
    return RegimesPlan(
        patient_ids=tuple(f"P{i}" for i in range(n)), offsets=offsets, data=data, codes=codes,
        channels=(), diagnoses=("MS",), diagnosis_index=nowhere, centres=(), centre_index=nowhere,
        older_catheter=np.zeros(n), untreated_tone=np.full(n, np.nan), notes=(),
    )  # fmt: skip


def test_every_step_and_every_action_has_its_turn():
    plan = plan_of(*ragged_patients())
    rows = rows_of(plan)
    n_step = int(plan.offsets[-1])
    blank = n_step + sum(steps.size for steps in rows.actions.values())
    turns = rows.order[rows.order < blank]
    np.testing.assert_array_equal(np.sort(turns), np.arange(blank))
    assert rows.order.max() == blank
    for i in range(plan.n_patient):
        own = rows.order[:, i]
        steps = own[own < n_step]
        np.testing.assert_array_equal(steps, np.arange(*plan.offsets[i : i + 2]))
    done = np.zeros(n_step, dtype=np.int64)
    for kind, steps in rows.actions.items():
        done[steps] |= kind
    np.testing.assert_array_equal(done, plan.codes[:, Code.ACTION])


@pytest.mark.slow
def test_plain_likelihood_and_its_gradient_are_those_of_the_kernel():
    own, data, codes, offsets = ragged_patients()
    g, g_own = pt.dvector("g"), pt.dmatrix("own")
    value = as_data(log_likelihood(g, g_own, plan_of(own, data, codes, offsets)))
    both = pytensor.function([g, g_own], [value, *pt.grad(value, [g, g_own])], mode="NUMBA")
    got, slope, own_slope = both(population(), own)
    ll, g_bar, own_bar = regimes_log_likelihood(population(), own, data, codes, offsets)
    assert got == pytest.approx(ll.sum(), rel=1e-8)
    want = g_bar.sum(axis=0)
    np.testing.assert_allclose(slope, want, rtol=1e-6, atol=1e-9 * np.abs(want).max())
    np.testing.assert_allclose(own_slope, own_bar, rtol=1e-6, atol=1e-9 * np.abs(own_bar).max())
