"""Forecasts judged: intervals, sharpness, probabilities of a rise; patients resampled whole."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.bands import ecdf_at, uniform_band
from itb_bayes.checks.pit import ecdf_table, pit_summary
from itb_bayes.checks.result import CheckResult
from itb_bayes.evaluate.accuracy import Estimate, interval, score_accuracy
from itb_bayes.evaluate.benefit import net_benefits
from itb_bayes.evaluate.calibration_index import calibration_indexes
from itb_bayes.evaluate.crossval.drift import LINE, METHODS, MODEL, NAIVE, FoldOutcome
from itb_bayes.evaluate.resampling import PatientResamples

Array = NDArray[np.float64]

N_RESAMPLE = 1000
R_HAT_LIMIT = 1.05
LEAST_RISES = 5
"""Rises below which probabilities of a rise are listed and not judged."""

COVERAGE = ((0.5, "q25", "q75"), (0.9, "q05", "q95"))


def forecast_checks(outcomes: Sequence[FoldOutcome], seed: int) -> tuple[CheckResult, ...]:
    """Judge the forecasts of all folds together."""
    rows = pd.concat([outcome.rows for outcome in outcomes], ignore_index=True)
    return (
        _fit_check(outcomes),
        _interval_check(rows, seed),
        _sharpness_check(rows, seed),
        _pit_check(rows),
        *_rise_checks(rows, seed),
    )


def _means(rows: pd.DataFrame, values: Array, seed: int) -> Estimate:
    """Return a mean over forecasts with its interval over resampled patients."""
    names, number = np.unique(rows["patient"].to_numpy(), return_inverse=True)
    resamples = PatientResamples(names.size, N_RESAMPLE, seed)
    total = np.bincount(number, values, names.size)
    count = np.bincount(number, minlength=names.size).astype(np.float64)
    return interval(float(values.mean()), resamples.totals(total) / resamples.totals(count))


def _said(estimate: Estimate, digits: int = 3) -> str:
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def _fit_check(outcomes: Sequence[FoldOutcome]) -> CheckResult:
    table = pd.DataFrame(
        [
            {
                "fold": outcome.name,
                "forecasts": int((outcome.rows["method"] == MODEL).sum()),
                "worst_r_hat": outcome.r_hat,
                "divergences": outcome.divergences,
            }
            for outcome in outcomes
        ]
    )
    worst = float(table["worst_r_hat"].max())
    return CheckResult(
        "fold-fits",
        "Did the fits of the folds converge?",
        f"passes if no R-hat of any fold lies above {R_HAT_LIMIT:g}; no fold is left out",
        worst <= R_HAT_LIMIT,
        f"{len(table)} fits, worst R-hat {worst:.3f}, {int(table['divergences'].sum())} "
        "divergences.",
        table,
    )


def _interval_check(rows: pd.DataFrame, seed: int) -> CheckResult:
    table, passed, words = [], True, []
    for method in METHODS:
        own = rows.loc[rows["method"] == method]
        for level, low, high in COVERAGE:
            within = own["observed"].between(own[low], own[high])
            inside = within.to_numpy().astype(np.float64)
            width = np.exp((own[high] - own[low]).median())
            found = _means(own, inside, seed)
            table.append(
                {
                    "method": method,
                    "interval": f"{100 * level:.0f} %",
                    "forecasts": len(own),
                    "coverage": found.value,
                    "coverage_low": found.low,
                    "coverage_high": found.high,
                    "typical_width_ratio": float(width),
                }
            )
            if method == MODEL:
                passed &= found.low <= level <= found.high
                words.append(f"{100 * level:.0f} % intervals hold {100 * found.value:.0f} %")
    return CheckResult(
        "coverage",
        "Do intervals of forecast doses hold the share that they say?",
        "passes if the 95 % patient-bootstrap intervals of the model's coverage hold 50 and 90 %; "
        "widths are ratios of doses, upper over lower end",
        passed,
        f"One year ahead: {', '.join(words)}.",
        pd.DataFrame(table),
    )


def _sharpness_check(rows: pd.DataFrame, seed: int) -> CheckResult:
    by_method = {name: rows.loc[rows["method"] == name] for name in METHODS}
    own = by_method[MODEL]["crps"].to_numpy()
    table, gains = [], {}
    for method in METHODS:
        other = by_method[method]["crps"].to_numpy()
        score = _means(by_method[MODEL], other, seed)
        gains[method] = _means(by_method[MODEL], other - own, seed)
        table.append(
            {
                "method": method,
                "crps": score.value,
                "crps_low": score.low,
                "crps_high": score.high,
                "above_model": gains[method].value,
                "above_model_low": gains[method].low,
                "above_model_high": gains[method].high,
            }
        )
    worse = [name for name in (NAIVE, LINE) if gains[name].high < 0.0]
    better = [name for name in (NAIVE, LINE) if gains[name].low > 0.0]
    said = "; ".join(f"{name}: {_said(gains[name])}" for name in (NAIVE, LINE))
    return CheckResult(
        "sharpness",
        "Are the model's forecasts closer than plain ones?",
        "passes if the mean CRPS on log dose (smaller is better) is not clearly above that of a "
        "plain forecast: 95 % patient-bootstrap interval of the difference below zero",
        not worse,
        f"CRPS above the model's, {said}. "
        + (f"Clearly better than: {', '.join(better)}." if better else "Clearly better than none."),
        pd.DataFrame(table),
    )


def _pit_check(rows: pd.DataFrame) -> CheckResult:
    own = rows.loc[rows["method"] == MODEL]
    last = own.sort_values("t_target", kind="stable").groupby("patient").tail(1)
    pit = last["pit"].to_numpy()
    band = uniform_band(pit.size)
    inside = band.holds(ecdf_at(pit, band.z))
    return CheckResult(
        "forecast-pit",
        "Did held-out doses fall where the forecasts said, over their whole width?",
        "passes if the distribution of the PIT of one forecast per patient, the latest, stays "
        "inside the 95 % simultaneous band of a uniform one",
        inside,
        f"{pit.size} patients: the curve " + ("stays inside." if inside else "leaves the band."),
        pit_summary(pit),
        "ecdf",
        ecdf_table(pit),
    )


def _rise_checks(rows: pd.DataFrame, seed: int) -> tuple[CheckResult, ...]:
    own = rows.loc[rows["method"] == MODEL]
    patient, p = np.unique(own["patient"], return_inverse=True)[1], own["p_rise"].to_numpy()
    rose = own["rose"].to_numpy(dtype=bool)
    question = "What is the probability of a rise of more than 100 µg/day within a year worth?"
    if min(rose.sum(), (~rose).sum()) < LEAST_RISES:
        return (
            CheckResult(
                "rise",
                question,
                "none",
                None,
                f"Not computed: {int(rose.sum())} rises among {rose.size} forecasts; at least "
                f"{LEAST_RISES} of either kind are needed.",
                pd.DataFrame(),
            ),
        )
    table = []
    for method in METHODS:
        some = rows.loc[rows["method"] == method, "p_rise"].to_numpy()
        scored = score_accuracy(patient, some, rose, n_resample=N_RESAMPLE, seed=seed)
        row: dict[str, object] = {"method": method, "forecasts": rose.size, "rises": rose.sum()}
        for name in ("brier", "ipa", "auc", "expected_over_observed"):
            row |= {f"{name}_{k}": v for k, v in asdict(getattr(scored, name)).items()}
        table.append(row)
    frame = pd.DataFrame(table).rename(columns=lambda name: name.removesuffix("_value"))
    first = frame.iloc[0]
    accuracy = CheckResult(
        "rise",
        question,
        "none: IPA is 1 - Brier / Brier of the base rate, with 95 % patient-bootstrap intervals",
        None,
        f"{rose.sum()} rises in {rose.size} forecasts: IPA {first['ipa']:.3f}, AUC "
        f"{first['auc']:.3f}, expected over observed {first['expected_over_observed']:.2f}.",
        frame,
    )
    return (
        accuracy,
        _rise_calibration(patient, p, rose, seed),
        _rise_benefit(patient, p, rose, seed),
    )


def _rise_calibration(
    patient: NDArray[np.int64], p: Array, rose: NDArray[np.bool_], seed: int
) -> CheckResult:
    found = calibration_indexes(patient, p, rose, seed=seed)
    table = pd.DataFrame(
        [
            {
                "index": name,
                "found": band.found.value,
                "found_low": band.found.low,
                "found_high": band.found.high,
                "if_perfect": band.expected,
                "if_perfect_low": band.band_low,
                "if_perfect_high": band.band_high,
            }
            for name, band in (("ICI", found.ici), ("E50", found.e50), ("E90", found.e90))
        ]
    )
    return CheckResult(
        "rise-calibration",
        "Are the probabilities of a rise calibrated?",
        "passes if the ICI is no larger than 97.5 % of perfectly calibrated probabilities of these "
        "very values would have it",
        found.ici.inside,
        f"ICI {found.ici.found.value:.3f}; if perfectly calibrated {found.ici.expected:.3f} "
        f"({found.ici.band_low:.3f} to {found.ici.band_high:.3f}).",
        table,
    )


def _rise_benefit(
    patient: NDArray[np.int64], p: Array, rose: NDArray[np.bool_], seed: int
) -> CheckResult:
    found = net_benefits(patient, p, rose, n_resample=N_RESAMPLE, seed=seed)
    table = pd.DataFrame(
        [
            {
                "threshold": one.threshold,
                "per_100": one.model.value,
                "per_100_low": one.model.low,
                "per_100_high": one.model.high,
                "act_on_all": one.act_on_all,
                "gain": one.gain.value,
                "gain_low": one.gain.low,
                "gain_high": one.gain.high,
            }
            for one in found
        ]
    )
    useful = [f"{one.threshold:g}" for one in found if one.gain.low > 0.0]
    return CheckResult(
        "rise-benefit",
        "Would acting above a probability do more good than acting on all or on none?",
        "none: which threshold applies is the clinic's to say; it states how many needless actions "
        "one rise found in time is worth",
        None,
        ("Clearly so at thresholds of " + ", ".join(useful) + ".")
        if useful
        else "At none of the thresholds clearly so.",
        table,
    )
