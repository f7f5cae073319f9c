"""Statistics of a cohort's doses that the model did not fit one by one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.checks.design import YearDesign
from itb_bayes.risk.rule import RISE_UG

Array = NDArray[np.float64]

DOSE_YEARS = (1, 3, 5, 7, 10)
RATIO_YEARS = (7, 10)
MINIMUM_PATIENTS = 5
MINIMUM_READINGS = 4
UNCHANGED = "years without any change"
UNCHANGED_LOG = 1e-9
FLAT_SD = 1e-9


@dataclass(frozen=True, eq=False)
class Statistic:
    """One statistic of R cohorts with the same design.

    Attributes
    ----------
    name, unit : str
    by_cohort : ndarray, shape (n_cohort,)
    judged : bool
        Whether the verdict may use it.
    """

    name: str
    unit: str
    by_cohort: Array
    judged: bool = True


def level_statistics(log_dose: Array, design: YearDesign) -> list[Statistic]:
    """Return centre and spread of the dose by diagnosis and year.

    Parameters
    ----------
    log_dose : ndarray, shape (n_cohort, n_visit)
    design : YearDesign
        Groups of fewer than five patients are left out.
    """
    out = []
    for d, diagnosis in enumerate(design.diagnoses):
        for year in DOSE_YEARS:
            rows = design.rows_at(year, d)
            if rows.size < MINIMUM_PATIENTS:
                continue
            y = log_dose[:, rows]
            where = f"{diagnosis}, year {year} ({rows.size} patients)"
            out.append(Statistic(f"geometric mean: {where}", "µg/day", np.exp(y.mean(axis=1))))
            out.append(Statistic(f"SD of log dose: {where}", "log", y.std(axis=1, ddof=1)))
    return out


def change_statistics(log_dose: Array, design: YearDesign) -> list[Statistic]:
    """Return yearly ratios, flags of the 100 µg rule, and ratios to the dose at one year."""
    out = []
    first, second = design.yearly_pairs()
    if first.size >= MINIMUM_PATIENTS:
        before, after = log_dose[:, first], log_dose[:, second]
        ratio = np.exp(np.clip(after - before, None, 700.0))
        low, high = np.quantile(ratio, (0.05, 0.95), axis=1)
        unchanged = np.abs(after - before) < UNCHANGED_LOG
        rises = np.exp(after) - np.exp(before) > RISE_UG
        out = [
            Statistic("yearly ratio: mean", "ratio", ratio.mean(axis=1)),
            Statistic("yearly ratio: SD", "ratio", ratio.std(axis=1, ddof=1)),
            Statistic("yearly ratio: 5 % quantile", "ratio", low),
            Statistic("yearly ratio: 95 % quantile", "ratio", high),
            Statistic(
                "years flagged by the 100 µg rule", "% of patient-years", 100 * rises.mean(axis=1)
            ),
            Statistic(UNCHANGED, "% of patient-years", 100 * unchanged.mean(axis=1), judged=False),
        ]
    for year in RATIO_YEARS:
        groups = [(None, "all"), *((d, name) for d, name in enumerate(design.diagnoses))]
        for d, label in groups if len(design.diagnoses) > 1 else groups[:1]:
            a, b = design.row_pairs(1, year, d)
            if a.size >= MINIMUM_PATIENTS:
                ratio = np.exp(np.clip(log_dose[:, b] - log_dose[:, a], None, 700.0))
                name = f"mean ratio, year {year} to year 1: {label} ({a.size} patients)"
                out.append(Statistic(name, "%", 100 * ratio.mean(axis=1)))
    return out


def persistence_statistics(log_dose: Array, design: YearDesign) -> list[Statistic]:
    """Return size and persistence of deviations from each patient's own straight line.

    Least-squares lines through the log doses from one year after implant on, of patients with at
    least four readings. The autocorrelation is the mean over patients, so that patients with a
    high volatility do not decide it; patients without any deviation have none.
    """
    n_cohort = log_dose.shape[0]
    spreads: list[Array] = []
    lag_sum, lag_count = np.zeros(n_cohort), np.zeros(n_cohort)
    for i in range(design.offsets.size - 1):
        rows = np.arange(design.offsets[i], design.offsets[i + 1])
        rows = rows[design.t_years[rows] >= 1.0 - 1e-6]
        if rows.size < MINIMUM_READINGS:
            continue
        residual = line_residuals(design.t_years[rows], log_dose[:, rows])
        square = (residual**2).sum(axis=1)
        spreads.append(np.sqrt(square / (rows.size - 2)))
        moves = spreads[-1] > FLAT_SD
        products = (residual[:, 1:] * residual[:, :-1]).sum(axis=1)
        lag_sum[moves] += products[moves] / square[moves]
        lag_count += moves
    if len(spreads) < MINIMUM_PATIENTS:
        return []
    spread = np.stack(spreads, axis=1)
    autocorrelation = np.full(n_cohort, np.nan)
    np.divide(lag_sum, lag_count, out=autocorrelation, where=lag_count > 0)
    low, middle, high = np.quantile(spread, (0.1, 0.5, 0.9), axis=1)
    return [
        Statistic("SD of deviations: typical patient (median)", "log", middle),
        Statistic("SD of deviations: quiet patient (10 %)", "log", low, judged=False),
        Statistic("SD of deviations: volatile patient (90 %)", "log", high),
        Statistic("autocorrelation of deviations at lag 1", "correlation", autocorrelation),
    ]


def line_residuals(t_years: Array, y: Array) -> Array:
    """Return residuals of least-squares lines, shape of ``y``: (n_cohort, n_reading)."""
    x = np.stack([np.ones_like(t_years), t_years - t_years.mean()], axis=1)
    basis, _ = np.linalg.qr(x)
    return y - (y @ basis) @ basis.T
