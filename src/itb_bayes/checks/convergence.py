"""Did the chains agree: the gate's criteria, ranks by chain, the trace of the worst parameter."""

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.bands import rank_band, rank_ecdf
from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.gate import GateReport

Array = NDArray[np.float64]

MAX_PANELS = 16
TRACE_DRAWS = 1000
RANK_SIZES = (250, 100, 50)
"""Draws per chain of the rank plots: the largest that the effective sample size supports."""


def convergence_checks(posterior: xr.Dataset, gate: GateReport) -> tuple[CheckResult, ...]:
    """Return the verdict of the gate, and ranks by chain.

    Parameters
    ----------
    posterior : xarray.Dataset
        Population parameters, dims (chain, draw, ...).
    gate : GateReport
    """
    table = diagnostics_table(posterior)
    return _gate_check(posterior, gate, table), _rank_check(posterior, table)


def entries(posterior: xr.Dataset) -> dict[str, Array]:
    """Return every scalar parameter, shape (n_chain, n_draw), by its label.

    Standardised centre effects (``…_z``) are left out: they have no meaning of their own.
    """
    out: dict[str, Array] = {}
    for name, array in posterior.data_vars.items():
        if str(name).endswith("_z"):
            continue
        ordered = array.transpose("chain", "draw", ...)
        dims = [d for d in ordered.dims if d not in ("chain", "draw")]
        flat = ordered.to_numpy().reshape(*ordered.shape[:2], -1)
        labels = [str(v) for v in ordered[dims[0]].to_numpy()] if dims else [""]
        for k, label in enumerate(labels):
            out[f"{name}[{label}]" if label else str(name)] = flat[:, :, k]
    return out


def diagnostics_table(posterior: xr.Dataset) -> pd.DataFrame:
    """Return R-hat, bulk and tail ESS of every parameter, worst R-hat first."""
    values = xr.Dataset(
        {name: (("chain", "draw"), draws) for name, draws in entries(posterior).items()}
    )
    found = {
        "r_hat": az.rhat(values),
        "ess_bulk": az.ess(values, method="bulk"),
        "ess_tail": az.ess(values, method="tail"),
    }
    table = pd.DataFrame({"parameter": [str(name) for name in values.data_vars]})
    for column, result in found.items():
        table[column] = [float(result[name]) for name in values.data_vars]
    return table.sort_values("r_hat", ascending=False, kind="stable", ignore_index=True)


def _gate_check(posterior: xr.Dataset, gate: GateReport, table: pd.DataFrame) -> CheckResult:
    worst = str(table["parameter"].iloc[0])
    draws = entries(posterior)[worst]
    every = max(1, draws.shape[1] // TRACE_DRAWS)
    thinned = draws[:, every - 1 :: every]
    n_chain, n_draw = thinned.shape
    trace = pd.DataFrame(
        {
            "parameter": worst,
            "chain": np.repeat(np.arange(n_chain), n_draw),
            "draw": np.tile((np.arange(n_draw) + 1) * every, n_chain),
            "value": thinned.ravel(),
        }
    )
    failures = gate.failures()
    summary = (
        "All criteria hold, for parameters and for every reported quantity."
        if gate.passed
        else "Not converged: " + "; ".join(failures) + ". No number of this fit is to be used."
    )
    return CheckResult(
        "convergence",
        "Did the chains find the same distribution, and draw enough from it?",
        "passes if every criterion of the gate holds (R-hat below 1.01, bulk and tail ESS above "
        "400, no divergences, E-BFMI above 0.3; Vehtari 2021, Betancourt 2016)",
        gate.passed,
        summary,
        pd.DataFrame([vars(c) for c in gate.criteria]),
        "trace",
        trace,
    )


def _rank_check(posterior: xr.Dataset, table: pd.DataFrame) -> CheckResult:
    draws = entries(posterior)
    shown = table.head(MAX_PANELS)
    parts, leaving = [], []
    for name, ess in zip(shown["parameter"].astype(str), shown["ess_bulk"], strict=True):
        plot, outside = _rank_curves(draws[name], float(ess))
        parts.append(plot.assign(parameter=name))
        if outside:
            leaving.append(name)
    left_out = len(table) - len(shown)
    summary = (
        f"{len(leaving)} of {len(shown)} parameters have a chain outside its band"
        + (f" ({', '.join(leaving)})" if leaving else "")
        + "; about 1 in 20 does so by chance."
        + (f" {left_out} parameters with a lower R-hat are not drawn." if left_out else "")
    )
    return CheckResult(
        "ranks",
        "Do all chains visit every part of each parameter's distribution alike?",
        "none (the gate decides): rank curves of chains against 95 % simultaneous bands, draws "
        "thinned to about independent ones",
        None,
        summary,
        table,
        "ranks",
        pd.concat(parts, ignore_index=True),
    )


def _rank_curves(values: Array, ess: float) -> tuple[pd.DataFrame, bool]:
    """Return rank ECDFs minus the diagonal, and whether a chain leaves the band."""
    n_chain, n_draw = values.shape
    supported = [n for n in RANK_SIZES if n <= min(n_draw, ess / n_chain)]
    n = supported[0] if supported else min(n_draw, RANK_SIZES[-1])
    keep = np.linspace(0, n_draw - 1, n).round().astype(np.int64)
    band = rank_band(n, n_chain)
    curves = rank_ecdf(values[:, keep], band.z)
    parts = [
        pd.DataFrame(
            {
                "chain": c,
                "z": band.z,
                "difference": curves[c] - band.z,
                "low": band.low - band.z,
                "high": band.high - band.z,
            }
        )
        for c in range(n_chain)
    ]
    outside = not all(band.holds(curve) for curve in curves)
    return pd.concat(parts, ignore_index=True), outside
