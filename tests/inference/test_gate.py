"""The convergence gate, on draws whose faults are known."""

import warnings

import numpy as np
import pytest
import xarray as xr

from itb_bayes.inference.gate import judge

CHAINS, DRAWS = 4, 1000


def draws_of(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((CHAINS, DRAWS, *shape))


def tree_of(x: np.ndarray, energy: np.ndarray | None = None, diverging: int = 0) -> xr.DataTree:
    divergent = np.zeros((CHAINS, DRAWS), dtype=bool)
    divergent[0, :diverging] = True
    energy = draws_of(seed=9) if energy is None else energy
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": (("chain", "draw"), x)}),
            "sample_stats": xr.Dataset(
                {
                    "diverging": (("chain", "draw"), divergent),
                    "energy": (("chain", "draw"), energy),
                }
            ),
        }
    )


def shifted() -> np.ndarray:
    x = draws_of()
    x[2] += 0.5
    return x


def sticky(correlation: float = 0.98) -> np.ndarray:
    x = draws_of()
    for k in range(1, DRAWS):
        x[:, k] = correlation * x[:, k - 1] + np.sqrt(1 - correlation**2) * x[:, k]
    return x


def test_good_draws_pass_every_criterion():
    report = judge(
        tree_of(draws_of()), {"drifts": xr.Dataset({"y": (("chain", "draw"), draws_of())})}
    )
    assert report.passed
    assert report.failures() == []
    names = {criterion.name for criterion in report.criteria}
    assert {"divergences", "E-BFMI"} < names
    for label in ("parameters", "drifts"):
        assert {f"R-hat of {label}", f"bulk ESS of {label}", f"tail ESS of {label}"} < names


def failed(report) -> set[str]:
    assert not report.passed
    return {criterion.name for criterion in report.criteria if not criterion.passed}


def test_chains_that_do_not_meet_fail():
    report = judge(tree_of(shifted()), {})
    assert "R-hat of parameters" in failed(report)
    assert "at x (asked: below 1.01)" in report.failures()[0]


def test_few_effective_draws_fail():
    assert {"bulk ESS of parameters", "tail ESS of parameters"} <= failed(
        judge(tree_of(sticky()), {})
    )


def test_one_divergence_fails():
    report = judge(tree_of(draws_of(), diverging=1), {})
    assert report.failures() == ["divergences: 1 at all chains (asked: none)"]


def test_low_energy_fraction_fails_and_names_the_chain():
    energy = draws_of(seed=9)
    energy[3] = np.cumsum(energy[3])
    report = judge(tree_of(draws_of(), energy), {})
    assert failed(report) == {"E-BFMI"}
    assert "at chain 3 (asked: above 0.3)" in report.failures()[0]


def test_energy_that_never_moves_fails():
    energy = draws_of(seed=9)
    energy[1] = 2.0
    assert failed(judge(tree_of(draws_of(), energy), {})) == {"E-BFMI"}


@pytest.mark.parametrize("bad", [shifted, sticky])
def test_a_reported_quantity_that_did_not_converge_fails(bad):
    """Parameters may look well while a probability computed from them does not."""
    y = draws_of(3)
    y[:, :, 1] = bad()
    data = xr.Dataset(
        {"p_rise": (("chain", "draw", "patient"), y)}, coords={"patient": ["a", "b", "c"]}
    )
    report = judge(tree_of(draws_of()), {"patient quantities": data})
    assert all(name.endswith("of patient quantities") for name in failed(report))
    assert "p_rise[b]" in report.failures()[0]


def test_labels_without_coordinates_are_positions():
    y = draws_of(2, 2)
    y[:, :, 1, 0] = shifted()
    data = xr.Dataset({"q": (("chain", "draw", "a", "b"), y)}, coords={"a": ["u", "v"]})
    assert "q[v, 0]" in judge(tree_of(draws_of()), {"q": data}).failures()[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("reported", [True, False])
def test_draws_that_are_not_finite_fail(value, reported):
    """Diagnostics of a quantity with a NaN are NaN themselves: silence is not convergence."""
    x = draws_of()
    x[0, 3] = value
    data = {"rises": xr.Dataset({"p": (("chain", "draw"), x)})} if reported else {}
    report = judge(tree_of(draws_of() if reported else x), data)
    label = "rises" if reported else "parameters"
    assert f"draws of {label} that are not finite" in failed(report)


def test_chains_stuck_at_different_values_fail():
    x = np.repeat(np.arange(float(CHAINS))[:, None], DRAWS, axis=1)
    assert {"R-hat of parameters", "bulk ESS of parameters"} <= failed(judge(tree_of(x), {}))


def test_a_constant_and_an_empty_quantity_have_nothing_to_converge():
    data = xr.Dataset(
        {
            "p": (("chain", "draw"), np.zeros((CHAINS, DRAWS))),
            "contrast": (("chain", "draw", "pair"), np.empty((CHAINS, DRAWS, 0))),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judge(tree_of(draws_of()), {"reported": data}).passed
