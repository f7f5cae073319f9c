"""The published dose ratios of Skoog & Hedman 2019 beside the posterior on ``skoog2019``.

Writes ``docs/results/skoog2019.md``:

    python benchmarks/skoog2019.py [--out docs/results]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.replicates import replicate_log_doses, thin_population
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.settings import profile_settings
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = {("MS", 7): 157, ("MS", 10): 194, ("SCI", 7): 113, ("SCI", 10): 121}
PUBLISHED_P = {7: 0.006, 10: 0.004}
MODELS = ("@drift", "@drift-random-walk", "@drift-iid")


def sample_ratios(cohort: Cohort) -> pd.DataFrame:
    """Return dose at each year in % of the dose at year 1, one row per patient."""
    doses = cohort.doses.assign(year=cohort.doses["t_years"].round().astype(int))
    wide = doses.pivot_table(index="patient_id", columns="year", values="daily_dose_ug")
    ratios = 100.0 * wide.div(wide[1], axis=0)
    diagnosis = cohort.patients.set_index("patient_id")["diagnosis"]
    return ratios.assign(diagnosis=diagnosis)


def predicted_sample_means(fitted: Fit) -> dict[tuple[str, int], np.ndarray]:
    """Return, per group and year, the mean ratio of replicated cohorts of the same design.

    What the paper averaged: ratios of recorded doses, passing deviations of both years included.
    """
    plan = fitted.plan
    design = YearDesign.of(plan)
    stack = np.exp(
        replicate_log_doses(plan, thin_population(fitted.thinned, 1000), seed=fitted.seed)
    )
    means = {}
    for group, year in PUBLISHED:
        first, second = design.row_pairs(1, year, plan.diagnoses.index(group))
        means[group, year] = 100.0 * (stack[:, second] / stack[:, first]).mean(axis=1)
    return means


def ratio_rows(fitted: Fit, ratios: pd.DataFrame) -> list[str]:
    """Return table rows: published mean, sample mean, posterior of the mean ratio."""
    rows = []
    predicted = predicted_sample_means(fitted)
    for (group, year), published in PUBLISHED.items():
        sample = ratios.loc[ratios["diagnosis"] == group, year].dropna()
        draws = fitted.estimands["ratio_mean"].sel(diagnosis=group, year=year).to_numpy()
        typical = fitted.estimands["ratio_typical"].sel(diagnosis=group, year=year).to_numpy()
        low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95))
        p05, p50, p95 = np.quantile(predicted[group, year], (0.05, 0.5, 0.95))
        rows.append(
            f"| {group}, year {year} | {published} | {sample.mean():.0f} (n = {len(sample)}) | "
            f"{p50:.0f} ({p05:.0f} to {p95:.0f}) | {middle:.0f} ({low:.0f} to {high:.0f}) | "
            f"{np.median(typical):.0f} |"
        )
    return rows


def contrast_rows(fitted: Fit, ratios: pd.DataFrame) -> list[str]:
    """Return table rows: t tests beside the posterior of the contrast."""
    rows = []
    for year, published in PUBLISHED_P.items():
        groups = [ratios.loc[ratios["diagnosis"] == g, year].dropna() for g in ("MS", "SCI")]
        p = ttest_ind(*groups).pvalue
        draws = fitted.estimands["ratio_contrast"].isel(contrast=0).sel(year=year).to_numpy()
        low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95))
        rows.append(
            f"| ratio at year {year}, MS − SCI | {published} | {p:.4f} | "
            f"{middle:.0f} ({low:.0f} to {high:.0f}) % points | {(draws > 0).mean():.4f} |"
        )
    draws = fitted.estimands["drift_contrast_percent"].isel(contrast=0).to_numpy()
    low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95))
    rows.append(
        f"| drift, MS − SCI | – | – | {middle:.1f} ({low:.1f} to {high:.1f}) %/year | "
        f"{(draws > 0).mean():.4f} |"
    )
    return rows


def main() -> int:
    """Fit the models and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    out = parser.parse_args().out
    cohort = Cohort.read(ROOT / "data" / "synthetic" / "skoog2019")
    ratios = sample_ratios(cohort)
    lines = [
        "# Skoog & Hedman 2019: published ratios beside the posterior",
        "",
        (
            "**Synthetic data.** The cohort `skoog2019` is simulated to resemble the published "
            "summaries (41 patients, annual doses); no patient-level data were published. Published "
            "figures: Skoog & Hedman, Ann Rehabil Med 2019;43:555. The predicted "
            "sample mean is what the paper computed, in replicated cohorts of the same design: "
            "ratios of recorded doses, whose passing deviations pull their mean up. The mean of "
            "patients' lines leaves those out; the ratio of the typical patient is smaller still, "
            "because patients' drifts differ."
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            spec = load_model(name)
            fitted = fit(
                spec, cohort, profile_settings("standard", seed=1), Path(folder) / spec.name
            )
            fitted.require_gate()
            lines += [
                "",
                f"## Model `{spec.name}`",
                "",
                (
                    "| dose in % of year 1 | published mean | sample mean | predicted sample mean, median "
                    "(90 %) | mean of patients' lines (90 %) | typical patient |"
                ),
                "|---|---|---|---|---|---|",
                *ratio_rows(fitted, ratios),
                "",
                (
                    "| contrast | published p (t test) | p on this cohort (t test) | posterior, median "
                    "(90 %) | P(> 0) |"
                ),
                "|---|---|---|---|---|",
                *contrast_rows(fitted, ratios),
            ]
    lines += ["", "Repeat with `python benchmarks/skoog2019.py`.", ""]
    out.mkdir(parents=True, exist_ok=True)
    (out / "skoog2019.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
