"""Are the ranks uniform: table, rank curves with their bands, and verdict."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.bands import Band, ecdf_at, ecdf_p_value, uniform_band
from itb_bayes.checks.result import CheckResult
from itb_bayes.evaluate.calibration.experiment import N_RANKED
from itb_bayes.evaluate.calibration.run import Calibration

Array = NDArray[np.float64]

ALARM = 0.05
"""Probability of failing a right model: over all quantities together (Bonferroni)."""

R_HAT_SUSPECT = 1.05
MAX_PANELS = 32
PER_HUNDRED = tuple(k for k in range(1, N_RANKED + 2) if (N_RANKED + 1) % k == 0)
"""Grids on which ranks from 0 to 99, moved to (0, 1), are exactly uniform."""


def rank_points(n: int) -> int:
    """Return the number of grid intervals for ``n`` replicates: at most ``n``, on whole ranks."""
    return max(k for k in PER_HUNDRED if k <= max(n, 2))


def scaled(rank: Array) -> Array:
    """Return ranks in the middle of their share of (0, 1)."""
    return (np.asarray(rank, dtype=float) + 0.5) / (N_RANKED + 1)


def rank_band(n: int) -> Band:
    """Return the 95 % simultaneous band of the rank curve of ``n`` replicates."""
    return uniform_band(n, 0.95, rank_points(n))


def rank_table(ranks: pd.DataFrame) -> pd.DataFrame:
    """Judge every quantity.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, replicates, inside (its own 95 % simultaneous band), p (probability that
        a calibrated quantity's curve strays as far at its worst point), worst (largest distance
        of the curve from uniform), mean_rank (0.5 if calibrated; below: the posterior lies too
        high), spread (variance of the scaled ranks over that of uniform ones; above 1: the
        posterior is too narrow).
    """
    rows = []
    for name, group in ranks.groupby("quantity", sort=False):
        u = scaled(group["rank"].to_numpy())
        band = rank_band(u.size)
        ecdf = ecdf_at(u, band.z)
        rows.append(
            {
                "quantity": name,
                "replicates": u.size,
                "inside": band.holds(ecdf),
                "p": ecdf_p_value(u, rank_points(u.size)),
                "worst": float(np.abs(ecdf - band.z).max()),
                "mean_rank": float(u.mean()),
                "spread": float(12.0 * np.mean((u - 0.5) ** 2)),
            }
        )
    return pd.DataFrame(rows)


def calibration_checks(calibration: Calibration) -> tuple[CheckResult, ...]:
    """Return the verdict on the ranks, and what the fits looked like."""
    return _rank_check(calibration.table), _fit_check(calibration)


def _rank_check(ranks: pd.DataFrame) -> CheckResult:
    name = "calibration-ranks"
    question = "Do posteriors hold the truths that made the data as often as they say?"
    criterion = (
        "passes if no quantity's rank curve strays from uniform farther than 95 % of right models "
        "would let any of theirs stray (simultaneous over the curve, Säilynoja 2022; Bonferroni "
        "over the quantities)"
    )
    if ranks.empty:
        return CheckResult(
            name, question, criterion, False, "No replicate could be fitted.", pd.DataFrame()
        )
    table = rank_table(ranks).sort_values("p", kind="stable", ignore_index=True)
    limit = ALARM / len(table)
    wrong = table.loc[table["p"] < limit]
    outside = int((~table["inside"]).sum())
    summary = (
        f"{len(table)} quantities, {int(table['replicates'].max())} replicates: "
        f"{outside} rank curves leave their own 95 % band (about {0.05 * len(table):.1f} would by "
        f"chance); smallest p {table['p'].iloc[0]:.4f} at {table['quantity'].iloc[0]} (limit "
        f"{limit:.4f})."
    )
    if len(wrong):
        said = "; ".join(f"{row.quantity}: {_shape(row)}" for row in wrong.itertuples())
        summary += f" Not calibrated: {said}."
    return CheckResult(
        name, question, criterion, not len(wrong), summary, table, "ranks", _curves(ranks, table)
    )


def _shape(row: object) -> str:
    """Say in words how ranks depart from uniform."""
    mean, spread, n = row.mean_rank, row.spread, row.replicates  # type: ignore[attr-defined]
    if abs(mean - 0.5) * np.sqrt(12.0 * n) > 3.0:
        return "the posterior lies too " + ("high" if mean < 0.5 else "low")
    return "the posterior is too " + ("narrow" if spread > 1.0 else "wide")


def _curves(ranks: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for name in table["quantity"].head(MAX_PANELS):
        u = scaled(ranks.loc[ranks["quantity"] == name, "rank"].to_numpy())
        band = rank_band(u.size)
        parts.append(
            pd.DataFrame(
                {
                    "parameter": name,
                    "chain": 0,
                    "z": band.z,
                    "difference": ecdf_at(u, band.z) - band.z,
                    "low": band.low - band.z,
                    "high": band.high - band.z,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _fit_check(calibration: Calibration) -> CheckResult:
    found = list(calibration.replicates.values())
    failed = [r for r in found if r.failure]
    fitted = [r for r in found if not r.failure]
    table = pd.DataFrame(
        [
            _count("fits that failed (no ranks)", len(failed), found),
            _count("with a divergence", sum(r.divergences > 0 for r in fitted), found),
            _count(
                f"with an R-hat above {R_HAT_SUSPECT:g}",
                sum(not r.r_hat <= R_HAT_SUSPECT for r in fitted),
                found,
            ),
            _count(
                f"with fewer than {N_RANKED} effective draws of some parameter",
                sum(not r.ess >= N_RANKED for r in fitted),
                found,
            ),
        ]
    )
    said = "; ".join(f"{row.replicates} {row.what}" for row in table.itertuples())
    return CheckResult(
        "calibration-fits",
        "Did the fits of the replicates go well?",
        "passes if every replicate could be fitted; no replicate is left out for divergences or a "
        "high R-hat, since leaving out hard data sets would hide what goes wrong on them",
        not failed,
        f"Of {len(found)} replicates: {said}.",
        table,
    )


def _count(what: str, number: int, found: list) -> dict[str, object]:
    return {"what": what, "replicates": number, "percent": 100.0 * number / len(found)}
