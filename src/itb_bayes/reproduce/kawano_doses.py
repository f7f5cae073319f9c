"""Kawano 2018, doses: the stable group, the rule of 100 µg/day a year, and what it flags."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.checks.replicates import replicate_log_doses, thin_population
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.figures.papers import DoseCourses, dose_figure
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.rule_simulate import share_ever_flagged
from itb_bayes.literature import figure
from itb_bayes.reproduce.account import Picture, Table
from itb_bayes.reproduce.cells import Array, interval_cell, probability_cell
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.reproduce.kawano_attribution import attribution_table
from itb_bayes.reproduce.part import Part
from itb_bayes.risk.rule import RISE_UG, yearly_rises
from itb_bayes.spec import load_model

N_REPLICATE = 500
GRID_YEARS = np.arange(1.0, 14.01, 0.5)
JITTERS = (0.0, 0.04, 0.08, 0.12)
MEDIANS_UG = (168.0, 230.6, 350.0)
DRIFTS = (
    ("flat (spread 2 % a year)", 0.0, 0.02),
    ("SCI of Skoog 2019", 0.015, 0.04),
    ("MS of Skoog 2019", 0.066, 0.04),
)


@dataclass(frozen=True, eq=False)
class Groups:
    """The paper's groups.

    Attributes
    ----------
    stable, fluctuating, catheter : ndarray of bool, shape (n_patient,)
    """

    stable: NDArray[np.bool_]
    fluctuating: NDArray[np.bool_]
    catheter: NDArray[np.bool_]


def doses_part(fitter: Fitter, cohort: Cohort, regimes: RegimesFit | None) -> Part:
    """Fit the doses, and lay the paper's groups beside the posterior."""
    fitted: Fit = fitter.of("kawano-drift", load_model("@drift-gaussian"), cohort)
    groups = classify(fitted, cohort)
    lines = _lines(fitted)
    tables = [
        _dose_table(fitted, groups, lines),
        _group_table(fitted, groups),
        operating_characteristics(fitter.settings.seed),
        attribution_table(cohort, regimes),
        _bolus_table(cohort),
    ]
    picture = Picture(
        "kawano-2018-figure-2",
        "Doses of the stable group as in figure 2 of the paper, and the posterior of the mean of "
        "these patients' lines.",
        dose_figure(_courses(fitted, groups, lines)),
    )
    runs = {"run of @drift-gaussian": fitted.run_id}
    if regimes is not None:
        runs[f"run of @{regimes.spec.name}"] = regimes.run_id
    return Part(tuple(tables), (picture,), runs)


def _lines(fitted: Fit) -> Array:
    """Return each patient's line at :data:`GRID_YEARS` (µg/day), shape (draw, patient, year)."""
    patients = fitted.patients()
    keep = np.linspace(0, len(patients.level) - 1, N_REPLICATE).round().astype(int)
    since = GRID_YEARS - 1.0
    level, drift = patients.level[keep], patients.drift[keep]
    return np.exp(level[..., None] + drift[..., None] * since)


def _followed(fitted: Fit) -> NDArray[np.bool_]:
    """Return which years of :data:`GRID_YEARS` each patient was followed, (patient, year)."""
    series = fitted.plan.series
    last = series.t_years[series.offsets[1:] - 1]
    return last[:, None] + 1e-6 >= GRID_YEARS


def flags(fitted: Fit, dose_ug: Array) -> NDArray[np.bool_]:
    """Return who rises by more than 100 µg/day in a year after the first, shape (n_patient,)."""
    series, out = fitted.plan.series, np.zeros(fitted.plan.n_patient, dtype=bool)
    offsets = series.offsets
    for i in range(out.size):
        rows = slice(offsets[i], offsets[i + 1])
        out[i] = bool((yearly_rises(series.t_years[rows], dose_ug[rows]) > RISE_UG).any())
    return out


def mean_doses(fitted: Fit, dose_ug: Array) -> Array:
    """Return each patient's mean dose after the first year (µg/day), NaN where not followed."""
    series = fitted.plan.series
    late = series.t_years >= 1.0 - 1e-6
    total = np.bincount(series.patient[late], dose_ug[late], minlength=fitted.plan.n_patient)
    n = np.bincount(series.patient[late], minlength=fitted.plan.n_patient)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)


def classify(fitted: Fit, cohort: Cohort) -> Groups:
    """Return the paper's groups: catheter cases, then the rule, then the rest."""
    events = cohort.events
    faulty = set(events.loc[events["event"] == "catheter_fault_confirmed", "patient_id"])
    catheter = np.array([who in faulty for who in fitted.plan.series.patient_ids])
    flagged = flags(fitted, fitted.plan.series.daily_dose_ug) & ~catheter
    return Groups(~catheter & ~flagged, flagged, catheter)


def _dose_table(fitted: Fit, groups: Groups, lines: Array) -> Table:
    paper = figure("kawano-dose")
    own = mean_doses(fitted, fitted.plan.series.daily_dose_ug)[groups.stable]
    own = own[np.isfinite(own)]
    seen = _followed(fitted)[groups.stable]
    seen = seen[seen.any(axis=1)]
    stable = lines[:, groups.stable][:, _followed(fitted)[groups.stable].any(axis=1)]
    means = (stable * seen).sum(axis=2) / seen.sum(axis=1)
    printed = (paper.stated, paper.low or 0.0, paper.high or 0.0)
    here = (own.mean(), own.min(), own.max())
    found = (means.mean(axis=1), means.min(axis=1), means.max(axis=1))
    rows = [
        (name, f"{a:.1f}", f"{b:.1f}", interval_cell(draws))
        for name, a, b, draws in zip(
            ("mean", "lowest", "highest"), printed, here, found, strict=True
        )
    ]
    return Table(
        "stable-dose",
        "Dose of the stable group (µg/day)",
        ("patients' mean doses after year 1", f"paper (n = {paper.n})",
         f"synthetic cohort (n = {own.size})", "posterior, median (90 %)"),
        tuple(rows),
        "Posterior: of these patients' lines. Model `@drift-gaussian`: in this cohort many doses "
        "stay exactly as they are for years, which a volatility of every patient's own takes for "
        "exact measurements of no drift.",
    )  # fmt: skip


def _group_table(fitted: Fit, groups: Groups) -> Table:
    population = thin_population(fitted.thinned, N_REPLICATE)
    replicates = np.exp(replicate_log_doses(fitted.plan, population, seed=fitted.seed))
    n = np.array([flags(fitted, dose).sum() for dose in replicates])
    return Table(
        "groups",
        "Stable and fluctuating by the rule of more than 100 µg/day within a year",
        ("group", "paper", "synthetic cohort", "predicted by drift and jitter alone, of 34"),
        (
            ("stable", f"{figure('kawano-stable').stated:.0f}", str(int(groups.stable.sum())), ""),
            ("fluctuating", f"{figure('kawano-fluctuating').stated:.0f}",
             str(int(groups.fluctuating.sum())),
             f"{interval_cell(n)}; P(at least five) {probability_cell(n >= 5)}"),
            ("catheter cases", f"{figure('kawano-device-patients').stated:.0f}",
             str(int(groups.catheter.sum())), ""),
        ),
        "Predicted: patients whom the rule flags in replicated cohorts of the drift model, where "
        "nobody has tolerance, progression or a fault.",
    )  # fmt: skip


def operating_characteristics(seed: int) -> Table:
    """Return how often the rule flags patients in whom nothing is wrong, in ten years."""
    rows: list[tuple[str, ...]] = []
    for label, drift, drift_sd in DRIFTS:
        for median in MEDIANS_UG:
            cells = []
            for k, jitter in enumerate(JITTERS):
                rng = np.random.default_rng([seed, 0x0C, k, int(median), len(rows)])
                share = share_ever_flagged(median, drift, drift_sd, jitter, rng)
                cells.append(f"{100 * share:.0f}")
            rows.append((label, f"{median:g}", f"{100 * RISE_UG / median:.0f}", *cells))
    return Table(
        "rule",
        "Patients ever flagged in nine yearly comparisons, of 100 in whom nothing is wrong",
        ("drift", "median dose, µg/day", "+100 µg is, %",
         *(f"jitter {100 * jitter:g} %" for jitter in JITTERS)),
        tuple(rows),
        "Simulated: spread of the log dose 0.72. What the rule flags depends on the level of the "
        "dose: the same relative rise is flagged at 350 and not at 168 µg/day.",
    )  # fmt: skip


def _bolus_table(cohort: Cohort) -> Table:
    doses = cohort.doses
    first = doses[doses["mode"] == "bolus"].groupby("patient_id").first()
    rows = []
    for name, every in (("kawano-bolus-6h", 6), ("kawano-bolus-8h", 8)):
        paper = figure(name)
        here = first[first["boluses_per_day"] == 24 / every]
        total = ", ".join(f"{dose:g}" for dose in here["daily_dose_ug"])
        rows.append(
            (paper.group, f"5.5 + 24 h / {every} h x 30 = {paper.stated:g}", total or "none")
        )
    return Table(
        "bolus",
        "Bolus regimens of the tolerant patients (µg/day)",
        ("patient", "paper: basal + boluses", "synthetic cohort"),
        tuple(rows),
    )


def _courses(fitted: Fit, groups: Groups, lines: Array) -> DoseCourses:
    series = fitted.plan.series
    offsets, stable = series.offsets, np.flatnonzero(groups.stable)
    rows = [slice(offsets[i], offsets[i + 1]) for i in stable]
    seen = _followed(fitted)[stable]
    n = seen.sum(axis=0)
    kept = n >= 5  # a mean of fewer says nothing of the group
    held = np.full(seen.shape, np.nan)
    for k, r in enumerate(rows):
        at = np.searchsorted(series.t_years[r], GRID_YEARS + 1e-6, side="right") - 1
        held[k] = np.where(seen[k] & (at >= 0), series.daily_dose_ug[r][np.maximum(at, 0)], np.nan)
    mean = np.where(seen, lines[:, stable], 0.0).sum(axis=1)[:, kept] / n[kept]
    paper = figure("kawano-dose")
    return DoseCourses(
        t_years=[series.t_years[r] for r in rows],
        daily_dose_ug=[series.daily_dose_ug[r] for r in rows],
        grid_years=GRID_YEARS[kept],
        sample_mean=np.nanmean(held[:, kept], axis=0),
        bands=np.quantile(mean, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0),
        published=(paper.stated, paper.low or 0.0, paper.high or 0.0),
    )
