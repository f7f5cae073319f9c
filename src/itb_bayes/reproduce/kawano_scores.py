"""Kawano 2018, Ashworth before, after and at the end: the ANOVA and its Bayesian counterpart."""

import numpy as np
from scipy.stats import f_oneway, friedmanchisquare, ttest_rel

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.figures.papers import PhaseScores, ashworth_figure
from itb_bayes.inference.spasticity_fitted import CONTRASTS, SpasticityFit
from itb_bayes.literature import figure
from itb_bayes.model.spasticity_plan import PHASES
from itb_bayes.reproduce.account import Picture, Table
from itb_bayes.reproduce.cells import interval_cell, p_cell, probability_cell, range_cell
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.reproduce.part import Part
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.spasticity_table import KEPT_WITHIN, patient_means
from itb_bayes.spec import load_model


def scores_part(fitter: Fitter, cohort: Cohort) -> Part:
    """Fit the scores and lay the paper's means and its ANOVA beside the posterior."""
    fitted: SpasticityFit = fitter.of("kawano-spasticity", load_model("@spasticity"), cohort)
    picture = Picture(
        "kawano-2018-figure-1",
        "Ashworth scores before implant, within a month after it, and at the end: patients' "
        "courses as in figure 1 of the paper, and the posterior of the mean.",
        ashworth_figure(_phases(fitted)),
    )
    return Part(
        (_means(fitted), _contrasts(fitted)), (picture,), {"run of @spasticity": fitted.run_id}
    )


def _means(fitted: SpasticityFit) -> Table:
    means, rows = patient_means(fitted), []
    for k, phase in enumerate(PHASES):
        paper, column = figure(f"kawano-ashworth-{phase}"), means[:, k]
        column = column[np.isfinite(column)]
        cells = (
            interval_cell(fitted.scores["population_score"].sel(phase=phase).to_numpy(), 2),
            interval_cell(fitted.replicated[:, k], 2),
        )
        rows.append(
            (phase, range_cell(paper.stated, paper.low or 0.0, paper.high or 0.0, 2),
             f"{range_cell(column.mean(), column.min(), column.max(), 2)}, n = {column.size}",
             *cells)
        )  # fmt: skip
    return Table(
        "ashworth",
        "Mean Ashworth score (scale from 1)",
        ("phase", "paper, mean (range)", "synthetic cohort", "posterior of the mean",
         "predicted mean of new patients"),
        tuple(rows),
        "Medians with 90 % intervals; predicted: of as many new patients at as many visits.",
    )  # fmt: skip


def _contrasts(fitted: SpasticityFit) -> Table:
    means = patient_means(fitted)
    complete = means[np.isfinite(means).all(axis=1)]
    rows = []
    for first, second in CONTRASTS:
        a, b = PHASES.index(first), PHASES.index(second)
        both = means[np.isfinite(means[:, a]) & np.isfinite(means[:, b])]
        published = (
            figure(f"kawano-ashworth-{first}").stated - figure(f"kawano-ashworth-{second}").stated
        )
        draws = fitted.scores["difference"].sel(contrast=f"{first} - {second}").to_numpy()
        probability = f"P(< 0) {probability_cell(draws < 0)}"
        if (first, second) == ("end", "after"):
            probability += f"; P(< {KEPT_WITHIN:g}) {probability_cell(draws < KEPT_WITHIN)}"
        rows.append(
            (f"{first} - {second}", f"{published:.2f}", "" if first == "end" and second == "after"
             else "< 0.05", p_cell(ttest_rel(both[:, a], both[:, b]).pvalue),
             interval_cell(draws, 2), probability)
        )  # fmt: skip
    anova = f_oneway(*complete.T)
    friedman = friedmanchisquare(*complete.T)
    rows.append(
        ("all three equal", "", "< 0.05",
         (f"ANOVA F = {anova.statistic:.0f}, p {p_cell(anova.pvalue)}; Friedman p "
         f"{p_cell(friedman.pvalue)} (n = {len(complete)})"), "", "")
    )  # fmt: skip
    return Table(
        "ashworth-contrasts",
        "Differences of mean scores, beside the ANOVA",
        ("difference", "paper", "p, paper (ANOVA)", "p on the synthetic cohort",
         "posterior, median (90 %)", "probability"),
        tuple(rows),
        "Paired t tests, one-way ANOVA as in the paper, and Friedman's test for ranks. A test "
        "that finds no change from after to the end does not say that there is none; the "
        "probability of a rise of less than a quarter point does.",
    )  # fmt: skip


def _phases(fitted: SpasticityFit) -> list[PhaseScores]:
    means, phases = patient_means(fitted), []
    for k, phase in enumerate(PHASES):
        paper = figure(f"kawano-ashworth-{phase}")
        q = Interval.of(fitted.scores["population_score"].sel(phase=phase).to_numpy())
        phases.append(
            PhaseScores(
                phase,
                means[:, k],
                (paper.stated, paper.low or 0.0, paper.high or 0.0),
                (q.q05, q.q25, q.median, q.q75, q.q95),
            )
        )
    return phases
