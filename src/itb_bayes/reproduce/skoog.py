"""Skoog & Hedman 2019: dose at 7 and 10 years relative to one year, MS against SCI."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.replicates import replicate_log_doses, thin_population
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.figures.papers import GroupCourse, ratio_figure
from itb_bayes.inference.fitted import Fit
from itb_bayes.literature import figure
from itb_bayes.reproduce.account import Account, Picture, Table
from itb_bayes.reproduce.cells import Array, interval_cell, p_cell, probability_cell
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.resources import shipped_cohort_dir
from itb_bayes.spec import load_model
from itb_bayes.spec.terms import CovariatesSpec

KEY = "skoog-hedman-2019"
GROUPS = ("MS", "SCI")
YEARS = (7, 10)
N_REPLICATE = 1000

CANNOT = (
    "Yearly doses, spreads and single patients: only means, one median and one range are printed.",
    "The median dose within MS and within SCI: one median is printed for both together.",
    "The number of SCI patients behind the means at 7 and 10 years: not printed.",
    (
        "How the eight excluded patients split between failure and aggravating factors, and their "
        "doses: not printed; the table of exclusions shows what they would have to be."
    ),
    (
        "A comparison by AIS grade or level of injury: patients are counted, doses not printed; "
        "the covariates of the synthetic cohort have no effect by construction."
    ),
    "What 'initial' dose means: taken to be the dose at one year, which the abstract does not say.",
    "The unit: one printing of the abstract says mg where µg is meant; µg is used.",
)


def reproduce_skoog(fitter: Fitter) -> Account:
    """Fit what the paper analysed on its synthetic cohort, and lay paper beside posterior."""
    cohort = Cohort.read(shipped_cohort_dir("skoog2019"))
    fitted = fitter.of("skoog-drift", load_model("@drift"), cohort)
    ratios = sample_ratios(cohort)
    doses = replicated_doses(fitted)
    tables = (
        _dose_table(fitted, cohort, doses),
        _ratio_table(fitted, ratios, doses),
        _contrast_table(fitted, ratios),
        _rate_table(fitted),
        _exclusion_table(fitted),
        _covariate_table(_covariate_fit(fitter, cohort)),
    )
    picture = Picture(
        "skoog-hedman-2019-ratios",
        "Dose in % of the dose at one year: means of the synthetic cohort, published means, and "
        "the posterior of the mean of patients' lines (50 and 90 %).",
        ratio_figure([_course(fitted, ratios, group) for group in GROUPS]),
    )
    return Account(
        key=KEY,
        title="Skoog & Hedman 2019, again",
        about=(
            "Model `@drift` on the synthetic cohort `skoog2019` (22 MS, 19 SCI, annual doses), "
            "which was made to resemble the published means: that they agree says nothing in "
            "favour of the model. What the posterior adds is the uncertainty."
        ),
        tables=tables,
        pictures=(picture,),
        cannot=CANNOT,
        provenance={**fitter.provenance, "run of @drift": fitted.run_id},
    )


def sample_ratios(cohort: Cohort) -> pd.DataFrame:
    """Return dose at each year in % of the dose at year 1, one row per patient."""
    doses = cohort.doses.assign(year=cohort.doses["t_years"].round().astype(int))
    wide = doses.pivot_table(index="patient_id", columns="year", values="daily_dose_ug")
    ratios = 100.0 * wide.div(wide[1], axis=0)
    return ratios.assign(diagnosis=cohort.patients.set_index("patient_id")["diagnosis"])


def replicated_doses(fitted: Fit) -> Array:
    """Return doses of replicated cohorts of the same design, shape (n_replicate, n_reading)."""
    population = thin_population(fitted.thinned, N_REPLICATE)
    return np.exp(replicate_log_doses(fitted.plan, population, seed=fitted.seed))


def _dose_table(fitted: Fit, cohort: Cohort, doses: Array) -> Table:
    paper = figure("skoog-dose-1y")
    first = cohort.doses.loc[cohort.doses["t_years"].round() == 1, "daily_dose_ug"].to_numpy()
    rows = YearDesign.of(fitted.plan).rows_at(1)
    replicates = doses[:, rows]
    low, high = paper.low or np.nan, paper.high or np.nan
    lines = [
        ("median", f"{paper.stated:.0f}", f"{np.median(first):.0f}",
         interval_cell(np.median(replicates, axis=1))),
        ("lowest of 41", f"{low:.0f}", f"{first.min():.0f}",
         interval_cell(replicates.min(axis=1))),
        ("highest of 41", f"{high:.0f}", f"{first.max():.0f}",
         interval_cell(replicates.max(axis=1))),
    ]  # fmt: skip
    for group in GROUPS:
        draws = fitted.estimands["dose_year1_ug"].sel(diagnosis=group).to_numpy()
        lines.append((f"typical, {group}", "not printed", "", interval_cell(draws)))
    return Table(
        "dose-at-one-year",
        "Dose at one year (µg/day)",
        ("quantity", "paper", "synthetic cohort", "posterior, median (90 %)"),
        tuple(lines),
        "Posterior of the first three lines: in replicated cohorts of 41 new patients.",
    )


def _ratio_table(fitted: Fit, ratios: pd.DataFrame, doses: Array) -> Table:
    design = YearDesign.of(fitted.plan)
    rows = []
    for group in GROUPS:
        for year in YEARS:
            paper = figure(f"skoog-ratio-{year}y-{group.lower()}")
            sample = ratios.loc[ratios["diagnosis"] == group, year].dropna()
            first, last = design.row_pairs(1, year, fitted.plan.diagnoses.index(group))
            predicted = 100.0 * (doses[:, last] / doses[:, first]).mean(axis=1)
            lines, typical = (
                fitted.estimands[name].sel(diagnosis=group, year=year).to_numpy()
                for name in ("ratio_mean", "ratio_typical")
            )
            n = f" (n = {paper.n})" if paper.n else ""
            rows.append(
                (f"{group}, year {year}", f"{paper.stated:.0f}{n}",
                 f"{sample.mean():.0f} (n = {len(sample)})", interval_cell(predicted),
                 interval_cell(lines), interval_cell(typical))
            )  # fmt: skip
    return Table(
        "ratios",
        "Mean dose in % of the dose at one year",
        ("group", "paper", "synthetic cohort", "predicted sample mean", "mean of patients' lines",
         "typical patient"),
        tuple(rows),
        "The predicted sample mean is what the paper computed, in replicated cohorts; lines leave "
        "passing deviations out; medians with 90 % intervals.",
    )  # fmt: skip


def _contrast_table(fitted: Fit, ratios: pd.DataFrame) -> Table:
    rows = []
    for year in YEARS:
        published = [figure(f"skoog-ratio-{year}y-{g.lower()}").stated for g in GROUPS]
        groups = [ratios.loc[ratios["diagnosis"] == g, year].dropna() for g in GROUPS]
        draws = fitted.estimands["ratio_contrast"].sel(contrast="MS - SCI", year=year).to_numpy()
        rows.append(
            (f"ratio at year {year}, % points", f"{published[0] - published[1]:.0f}",
             p_cell(figure(f"skoog-p-{year}y").stated), p_cell(ttest_ind(*groups).pvalue),
             interval_cell(draws), probability_cell(draws > 0))
        )  # fmt: skip
    draws = fitted.estimands["drift_contrast_percent"].sel(contrast="MS - SCI").to_numpy()
    rows.append(("drift, %/year", "", "", "", interval_cell(draws, 1), probability_cell(draws > 0)))
    return Table(
        "contrast",
        "MS minus SCI",
        ("quantity", "paper", "p, paper", "p, t test on the synthetic cohort",
         "posterior, median (90 %)", "P(> 0)"),
        tuple(rows),
    )  # fmt: skip


def _rate_table(fitted: Fit) -> Table:
    rows = []
    for group in GROUPS:
        implied = [
            100 * np.log(figure(f"skoog-ratio-{year}y-{group.lower()}").stated / 100) / (year - 1)
            for year in YEARS
        ]
        draws = fitted.estimands["drift_percent"].sel(diagnosis=group).to_numpy()
        cells = (f"{implied[0]:.1f}", f"{implied[1]:.1f}")
        rows.append((group, *cells, interval_cell(draws, 1)))
    return Table(
        "rates",
        "One constant rate? (% a year)",
        ("group", "implied by year 7", "implied by year 10", "drift of the typical patient"),
        tuple(rows),
        "Both published means imply about the same log rate: the drift is steady. The rate that a "
        "mean of ratios implies is above that of the typical patient, because patients differ.",
    )


def _exclusion_table(fitted: Fit) -> Table:
    """What the eight excluded patients would do, by what their doses might have been."""
    n_excluded = int(figure("skoog-excluded").stated)
    at = {g: fitted.estimands["ratio_mean"].sel(diagnosis=g, year=7).to_numpy() for g in GROUPS}
    n = {g: int(figure(f"skoog-n-{g.lower()}").stated) for g in GROUPS}
    rows = []
    for ratio in (113.0, 157.0, 250.0, 350.0):
        cells = [f"{ratio:.0f} %"]
        for n_sci in (0, n_excluded // 2, n_excluded):
            extra = {"MS": n_excluded - n_sci, "SCI": n_sci}
            mean = {g: (n[g] * at[g] + extra[g] * ratio) / (n[g] + extra[g]) for g in GROUPS}
            difference = mean["MS"] - mean["SCI"]
            cells.append(f"{interval_cell(difference)}; P {probability_cell(difference > 0)}")
        rows.append(tuple(cells))
    level = (n["SCI"] + n_excluded) * at["MS"] / n_excluded - n["SCI"] * at["SCI"] / n_excluded
    rows.append(("would make them equal", "", "", interval_cell(level) + " %"))
    return Table(
        "exclusions",
        "MS minus SCI at year 7 (% points) with the eight excluded patients put back",
        ("their mean dose, % of year 1", "all eight MS", "four each", "all eight SCI"),
        tuple(rows),
        "Their doses are not published; each row supposes a mean. The last row: what it would "
        "have to be, all eight with SCI, for the difference to vanish.",
    )


def _covariate_fit(fitter: Fitter, cohort: Cohort) -> Fit:
    spec: Any = load_model("@drift-covariates")
    columns = ("ais_grade", "sci_level")
    terms = CovariatesSpec(level=columns, drift=columns, missing="indicator")
    fitted: Fit = fitter.of(
        "skoog-covariates", spec.model_copy(update={"covariates": terms}), cohort
    )
    return fitted


def _covariate_table(fitted: Fit) -> Table:
    posterior, rows = fitted.posterior, []
    counts = {"sci_level=cervical": "15 of 19", "ais_grade=B": "B to D: 12 of 19"}
    for name in fitted.plan.level_covariates.names:
        level = 100 * np.expm1(posterior["covariate_level"].sel(level_covariate=name).to_numpy())
        drift = 100 * np.expm1(posterior["covariate_drift"].sel(drift_covariate=name).to_numpy())
        rows.append(
            (name, counts.get(name, ""), interval_cell(level), interval_cell(drift, 1),
             probability_cell(drift > 0))
        )  # fmt: skip
    return Table(
        "ais-and-level",
        "AIS grade (against A) and level (against thoracic) in SCI",
        ("covariate", "patients in the paper", "dose at one year, %", "drift, %/year", "P(> 0)"),
        tuple(rows),
        "Model `@drift-covariates`. The paper prints how many patients there were, and no doses.",
    )


def _course(fitted: Fit, ratios: pd.DataFrame, group: str) -> GroupCourse:
    years = [c for c in ratios.columns if isinstance(c, int)]
    sample = ratios.loc[ratios["diagnosis"] == group, years]
    posterior = fitted.thinned
    who = int(np.flatnonzero(fitted.plan.diagnosis_index == fitted.plan.diagnoses.index(group))[0])
    since = np.arange(0.0, 9.01, 0.25)
    drift, variance = posterior.drift_mean[:, who], posterior.cov[:, 1, 1]
    lines = 100 * np.exp(np.outer(drift, since) + 0.5 * np.outer(variance, since**2))
    return GroupCourse(
        name=group,
        years=np.array(years, dtype=float),
        mean=sample.mean().to_numpy(),
        standard_error=(sample.std() / np.sqrt(sample.count())).to_numpy(),
        published_years=np.array(YEARS, dtype=float),
        published=np.array(
            [figure(f"skoog-ratio-{year}y-{group.lower()}").stated for year in YEARS]
        ),
        line_years=1.0 + since,
        bands=np.quantile(lines, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0),
    )
