"""The convergence gate: no risk number leaves a fit that did not pass it.

Thresholds follow Vehtari et al. 2021 (Bayesian Analysis 16:667): rank-normalised R-hat below
1.01, bulk and tail ESS above 400; E-BFMI above 0.3 (Betancourt 2016, arXiv:1604.00695); no
divergences. They are asked of parameters *and* of every reported quantity (BARG 2B-C).
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

R_HAT_BELOW = 1.01
ESS_ABOVE = 400.0
BFMI_ABOVE = 0.3


@dataclass(frozen=True)
class Criterion:
    """One criterion of the gate.

    Attributes
    ----------
    name : str
        What was measured, over which quantities.
    worst : float
        The worst value found.
    where : str
        The quantity that has it.
    limit : str
        What is asked, in words.
    passed : bool
    """

    name: str
    worst: float
    where: str
    limit: str
    passed: bool


@dataclass(frozen=True)
class GateReport:
    """All criteria of one fit."""

    criteria: tuple[Criterion, ...]

    @property
    def passed(self) -> bool:
        """Whether every criterion passed."""
        return all(c.passed for c in self.criteria)

    def failures(self) -> list[str]:
        """Return the failed criteria in words."""
        return [
            f"{c.name}: {c.worst:.5g} at {c.where} (asked: {c.limit})"
            for c in self.criteria
            if not c.passed
        ]


def judge(draws: xr.DataTree, reported: dict[str, xr.Dataset]) -> GateReport:
    """Judge convergence of parameters and of reported quantities.

    Parameters
    ----------
    draws : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``.
    reported : dict of str to Dataset
        Further quantities with dims (chain, draw, ...), by what they are called.
    """
    import arviz_stats as az  # heavy, and not needed where a fit is only read

    criteria: list[Criterion] = []
    groups = {"parameters": draws["posterior"].to_dataset(), **reported}
    for label, data in groups.items():
        criteria += _not_finite(label, data)
        if label == "parameters":
            criteria += _stuck(data)
        with np.errstate(divide="ignore", invalid="ignore"):  # constants have no variance
            criteria += [
                _extreme(f"R-hat of {label}", az.rhat(data), "below", R_HAT_BELOW),
                _extreme(f"bulk ESS of {label}", az.ess(data, method="bulk"), "above", ESS_ABOVE),
                _extreme(f"tail ESS of {label}", az.ess(data, method="tail"), "above", ESS_ABOVE),
            ]
    stats = draws["sample_stats"].to_dataset()
    divergent = int(stats["diverging"].sum())
    criteria.append(
        Criterion("divergences", float(divergent), "all chains", "none", divergent == 0)
    )
    bfmi = _bfmi(stats["energy"].to_numpy())
    worst = float(bfmi.min())
    criteria.append(
        Criterion(
            "E-BFMI",
            worst,
            f"chain {int(bfmi.argmin())}",
            f"above {BFMI_ABOVE:g}",
            worst > BFMI_ABOVE,
        )
    )
    return GateReport(tuple(criteria))


def _bfmi(energy: np.ndarray) -> np.ndarray:
    """Return the energy Bayesian fraction of missing information of each chain."""
    variance = np.var(energy, axis=1)
    moved = np.mean(np.diff(energy, axis=1) ** 2, axis=1)
    return np.divide(moved, variance, out=np.zeros_like(moved), where=variance > 0.0)


def _stuck(data: xr.Dataset) -> list[Criterion]:
    """Return a failed criterion for a sampled parameter that never moved."""
    for name, array in data.data_vars.items():
        spread = np.ptp(array.to_numpy().reshape(-1, *array.shape[2:]), axis=0)
        if np.any(spread == 0.0):
            where = _label(str(name), array.isel(chain=0, draw=0), int(np.argmin(spread)))
            return [Criterion("values of a parameter", 1.0, where, "more than one", False)]
    return []


def _not_finite(label: str, data: xr.Dataset) -> list[Criterion]:
    """Return a failed criterion if draws are NaN or infinite: diagnostics would pass them over."""
    bad = {str(name): int((~np.isfinite(x.to_numpy())).sum()) for name, x in data.items()}
    worst = max(bad, key=lambda name: bad[name], default="")
    if not bad.get(worst):
        return []
    name = f"draws of {label} that are not finite"
    return [Criterion(name, float(bad[worst]), worst, "none", False)]


def _extreme(name: str, values: xr.Dataset, side: str, limit: float) -> Criterion:
    """Return the worst entry; constant quantities (NaN) have nothing to converge."""
    worst, where = (-np.inf, "") if side == "below" else (np.inf, "")
    for variable, array in values.data_vars.items():
        flat = array.to_numpy().ravel()
        if np.isnan(flat).all():
            continue
        index = int(np.nanargmax(flat) if side == "below" else np.nanargmin(flat))
        value = float(flat[index])
        if (side == "below") == (value > worst):
            worst, where = value, _label(str(variable), array, index)
    passed = worst < limit if side == "below" else worst > limit
    return Criterion(name, worst, where, f"{side} {limit:g}", passed)


def _label(variable: str, array: xr.DataArray, index: int) -> str:
    if not array.dims:
        return variable
    position = np.unravel_index(index, array.shape)
    labels = [
        str(array[dim].to_numpy()[k]) if dim in array.coords else str(int(k))
        for dim, k in zip(array.dims, position, strict=True)
    ]
    return f"{variable}[{', '.join(labels)}]"
