"""Compiled graphs are found by the properties of their Ops, so these name the kernel's version."""

import pytest

from itb_bayes.model import drift_op, regimes_op


@pytest.mark.parametrize(
    ("module", "make"),
    [
        (regimes_op, lambda: regimes_op.RegimesLogLikelihood()),
        (drift_op, lambda: drift_op.DriftLogLikelihood(1, True, False)),
    ],
)
def test_a_graph_of_an_older_kernel_is_not_found(module, make, monkeypatch):
    now = make()
    assert now == make()
    monkeypatch.setattr(module, "kernel_digest", lambda: "of an older kernel")
    assert now != make()
    assert hash(now) != hash(make())
