"""Cohorts that disagree on MS and SCI, in one hierarchical picture."""

import numpy as np

from itb_bayes.figures.papers import ForestRow, forest_figure
from itb_bayes.kernel.drift_meta import DriftPriors, DriftReports, MetaDraws, draw_meta
from itb_bayes.literature import derived_drifts, sources
from itb_bayes.reproduce.account import Account, Picture, Table
from itb_bayes.reproduce.cells import Array, interval_cell, probability_cell
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.risk.interval import Interval
from itb_bayes.spec import load_model

KEY = "conflicts"
GROUPS = ("MS", "SCI")
N_DRAW = 20_000

CANNOT = (
    (
        "Standard errors of the published drifts: none is printed; each rests on the assumption "
        "shown in its row."
    ),
    (
        "The Japanese cohort of 2023 (SCI rising through the whole observation) and Saval 2010: no "
        "numbers are printed."
    ),
    (
        "Whether centres differ in patients, goals, limits or devices: the spread between centres "
        "holds all of it."
    ),
)


def reproduce_conflicts(fitter: Fitter) -> Account:
    """Lay the published drifts over centres that differ, and ask what is left of the contrast."""
    drifts = derived_drifts()
    centres = list(dict.fromkeys(one.source for one in drifts))
    reports = DriftReports(
        drift=np.array([one.drift for one in drifts]),
        se=np.array([one.se for one in drifts]),
        diagnosis=np.array([GROUPS.index(one.diagnosis) for one in drifts]),
        centre=np.array([centres.index(one.source) for one in drifts]),
    )
    spec = load_model("@drift")
    prior, spread = spec.resolved_priors["drift"], spec.resolved_priors["centre_drift_sd"]
    scale = spread.params["sd"]
    priors = DriftPriors(prior.params["mean"], prior.params["sd"], scale, scale)
    rng = np.random.default_rng([fitter.settings.seed, 0xCF])
    draws = draw_meta(reports, priors, N_DRAW, rng)
    names = [f"{sources()[one.source].short}, {one.diagnosis}" for one in drifts]
    return Account(
        key=KEY,
        title="MS or SCI: cohorts that disagree",
        about=(
            "Drifts derived from the published summaries, in one normal hierarchy: a drift of each "
            "diagnosis, a part that each centre adds to both, and a part that it adds to one. "
            "Integrated exactly; priors are those of `@drift`."
        ),
        tables=(_reports(names, draws), _pooled(draws)),
        pictures=(
            Picture(
                "conflicts-drift",
                "Published drifts (points, 90 % intervals), the same given all cohorts (lines), "
                "and what a new centre may expect.",
                forest_figure(_rows(names, draws), "drift of the dose (% a year)"),
            ),
        ),
        cannot=CANNOT,
        synthetic=False,
        provenance={"seed": str(fitter.settings.seed), "priors": f"@drift {spec.digest[:12]}"},
    )


def _percent(log_rate: Array) -> Array:
    return 100.0 * np.expm1(log_rate)


def _reports(names: list[str], draws: MetaDraws) -> Table:
    rows = []
    for k, (name, one) in enumerate(zip(names, derived_drifts(), strict=True)):
        low, high = (one.drift + z * 1.6448536 * one.se for z in (-1, 1))
        rows.append(
            (name, str(one.n), (f"{100 * np.expm1(one.drift):.1f} "
             f"({100 * np.expm1(low):.1f} to {100 * np.expm1(high):.1f})"),
             interval_cell(_percent(draws.reported[:, k]), 1), one.assumption)
        )  # fmt: skip
    return Table(
        "published-drifts",
        "Drift of the dose by cohort (% a year)",
        ("cohort", "n", "derived from what is published (90 %)", "given all cohorts (90 %)",
         "what its error rests on"),
        tuple(rows),
    )  # fmt: skip


def _pooled(draws: MetaDraws) -> Table:
    rows = [
        (f"{group}, typical centre", interval_cell(_percent(draws.drift[:, k]), 1), "")
        for k, group in enumerate(GROUPS)
    ]
    for name, values in (("typical centre", draws.drift), ("new centre", draws.new_centre)):
        contrast = _percent(values[:, 0]) - _percent(values[:, 1])
        rows.append(
            (f"MS - SCI, {name}", interval_cell(contrast, 1), probability_cell(contrast > 0))
        )
    rows += [
        ("spread that a centre adds to both (SD)", interval_cell(100 * draws.centre_sd, 1), ""),
        ("spread that it adds to one diagnosis (SD)", interval_cell(100 * draws.own_sd, 1), ""),
    ]
    return Table(
        "pooled-drift",
        "What is left of the contrast (% a year)",
        ("quantity", "posterior, median (90 %)", "P(> 0)"),
        tuple(rows),
    )


def _rows(names: list[str], draws: MetaDraws) -> list[ForestRow]:
    rows = []
    for k, (name, one) in enumerate(zip(names, derived_drifts(), strict=True)):
        ends = (one.drift - 1.6448536 * one.se, one.drift, one.drift + 1.6448536 * one.se)
        low, middle, high = (100.0 * float(np.expm1(x)) for x in ends)
        q = Interval.of(_percent(draws.reported[:, k]))
        rows.append(ForestRow(name, (low, middle, high), (q.q05, q.median, q.q95)))
    for k, group in enumerate(GROUPS):
        for where, values in (("typical centre", draws.drift), ("new centre", draws.new_centre)):
            q = Interval.of(_percent(values[:, k]))
            rows.append(ForestRow(f"{group}, {where}", None, (q.q05, q.median, q.q95)))
    return rows
