"""How far the switching filter of the regimes model is from the model that it approximates.

    python benchmarks/regimes/collapse_error.py [--patients 30] [--particles 10000] [--runs 8]
        [--out docs/results]

The filter replaces mixtures by Gaussians of the same moments and the saturating response by its
tangent. A particle filter does neither. Both run, with one fixed set of parameters, over evenly
spaced patients of the shipped registry, with all channels and with doses alone. Writes
regimes-collapse-error.md.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.timeline import Timeline, timeline
from itb_bayes.kernel.regimes.layout import (
    EXPLANATION_OF_STATE,
    EXPLANATIONS,
    N_OWN,
    N_STATE,
    Col,
    Own,
    Par,
)
from itb_bayes.kernel.regimes.particle import particle_filter
from itb_bayes.kernel.regimes.trace import trace

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parent.parent.parent
COHORT = Path("data") / "synthetic" / "registry"
SEED = 20261122
VISITS = 5
"""Visits of every patient, besides the last, at which probabilities are compared."""

PARAMETERS = {
    "WANDER_VAR": 0.08**2, "TITRATION": 0.8, "TITRATION_YEARS": 0.4, "TITRATION_VAR": 0.3**2,
    "START_GAP": 0.1, "START_VAR": 0.3**2,
    "TOLERANCE_RATE": 0.35, "TOLERANCE_VAR": 0.1**2, "TOLERANCE_STEP": 0.2,
    "LEAK_STEP": 0.8, "SUDDEN_SHARE": 0.4, "LEAK_STEP_VAR": 0.35**2,
    "TOLERANCE_STEP_VAR": 0.25**2, "PROGRESSION_RATE": 0.13, "PROGRESSION_VAR": 0.08**2,
    "HILL": 1.6, "LEAK_RATE": 1.2, "LEAK_VAR": 0.5**2,
    "LOSS_SEVERE": 1.5, "LOSS_PUMP": 1.2, "LOSS_SEVERE_VAR": 0.6**2, "LOSS_PUMP_VAR": 0.7**2,
    "TRIGGER_TONE": 0.6, "TRIGGER_TONE_VAR": 0.25**2, "OUTLIER": 0.02,
    "PENN_INTERCEPT": 0.1, "PENN_SLOPE": 0.9, "PENN_VAR": 0.45**2, "PENN_PATIENT_VAR": 0.4**2,
    "TRIGGER_ONSET": 0.3, "TRIGGER_END": 10.0, "TOLERANCE_EARLY": 0.012, "TOLERANCE_LATE": 0.012,
    "TOLERANCE_SETTLE": 0.6, "PROGRESSION_END": 0.4,
    "CATHETER_FIRST": 0.05, "CATHETER_LATER": 0.025, "SEVERE_SHARE": 0.45, "LEAK_SETTLES": 1.2,
    "PUMP_HAZARD": 0.05, "PUMP_SHAPE": 2.5,
    "FOUND_LEAKING": 1.0, "FOUND_PARTIAL": 0.3, "FOUND_SEVERE": 4.0, "FOUND_PUMP": 3.0,
    "DYE_SENSITIVITY": 0.8, "DYE_FALSE": 0.07, "BLOCKED_FAULT": 0.45, "BLOCKED_INTACT": 0.1,
    "ROTOR_SENSITIVITY": 0.9, "ROTOR_FALSE": 0.03,
    "REFILL_VAR": 0.025**2, "REFILL_PUMP": 0.45, "REFILL_PUMP_VAR": 0.25**2,
    "EDSS_VAR": 0.5**2, "EDSS_RATE": 0.08, "EDSS_PROGRESSION": 0.25,
    "TOLERANCE_LABEL": 0.3, "TOLERANCE_LABEL_FALSE": 0.003, "TOLERANCE_LABEL_LEAK": 0.12,
    "PROGRESSION_LABEL": 0.3, "PROGRESSION_LABEL_FALSE": 0.003,
    "TRIGGER_LABEL": 4.0, "TRIGGER_LABEL_FALSE": 0.01,
    "RESET_DROP": 0.4, "RESET_VAR": 0.3**2, "BOLUS_POTENCY": 0.25, "MISSED": 0.1,
    "LEAK_DROP": 0.6, "LEAK_DROP_VAR": 0.4**2,
    "GAIN": 0.15, "DOSE_VAR": 0.1**2, "STILL": 0.8, "STILL_VAR": 0.4**2,
}  # fmt: skip
"""Plausible values, not a fit; the requirement in log dose, tone in points, time in years."""


@dataclass(frozen=True)
class Case:
    """One patient: parameters, steps, and the visits that are compared (the last one last)."""

    own: Array
    data: Array
    codes: NDArray[np.int64]
    visits: NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """One patient under both filters.

    Attributes
    ----------
    ll, ll_oracle, ll_se : float
        Log-likelihood by the switching filter, by particles, and the standard error of the latter.
    p, p_oracle, p_se : ndarray, shape (n_visit, 6)
        Probabilities of the explanations at the compared visits, likewise.
    """

    ll: float
    ll_oracle: float
    ll_se: float
    p: Array
    p_oracle: Array
    p_se: Array


def lay_out(steps: Timeline, cohort: Cohort, n_patient: int) -> list[Case]:
    """Return evenly spaced patients of a cohort as the kernels read them."""
    rng = np.random.default_rng(SEED)
    data = np.column_stack([
        steps.t_years, steps.log_dose, steps.ashworth, steps.penn, steps.refill_share,
        steps.refill_count, steps.edss_change, steps.edss_years, steps.catheter_age_years,
        steps.pump_age_years, steps.dose_change,
    ])  # fmt: skip
    codes = np.column_stack([
        steps.dye, steps.aspiration, steps.rotor, steps.tolerance_label, steps.progression_label,
        steps.trigger_label, steps.action, steps.bolus,
    ])  # fmt: skip
    patients = cohort.patients.set_index("patient_id")
    cases = []
    for i in np.linspace(0, steps.n_patient - 1, n_patient).astype(int):
        patient = patients.loc[steps.patient_ids[i]]
        rows = slice(steps.offsets[i], steps.offsets[i + 1])
        own = np.empty(N_OWN)
        own[Own.DRIFT], own[Own.TONE_VAR], own[Own.GOAL] = 0.025, 0.3**2, 1.0
        untreated = steps.untreated_tone[i]
        own[Own.UNTREATED] = np.clip(untreated if np.isfinite(untreated) else 2.9, 1.4, 4.0)
        own[Own.PROGRESSION_ONSET] = 0.08 if patient["diagnosis"] == "MS" else 0.01
        own[Own.CATHETER_RATIO] = 2.0 if patient["catheter_model"] == "older" else 1.0
        n = rows.stop - rows.start
        visits = np.sort(rng.choice(np.arange(1, n - 1), min(VISITS, n - 2), replace=False))
        cases.append(Case(own, data[rows], codes[rows], np.append(visits, n - 1)))
    return cases


def doses_alone(case: Case) -> Case:
    """Return a patient without his readings of tone and spasms."""
    data = case.data.copy()
    data[:, [Col.ASHWORTH, Col.PENN]] = np.nan
    return Case(case.own, data, case.codes, case.visits)


def explain(probability: Array) -> Array:
    """Return the probabilities of the explanations from those of the states (last axis)."""
    of_state = np.zeros((N_STATE, len(EXPLANATIONS)))
    of_state[np.arange(N_STATE), EXPLANATION_OF_STATE] = 1.0
    return np.asarray(probability @ of_state)


def compare(case: Case, n: int, runs: int, seed: int) -> Compared:
    """Run both filters over one patient."""
    g = np.array([PARAMETERS[par.name] for par in Par])
    offsets = np.array([0, len(case.data)])
    ll, belief, *_ = trace(g, case.own[None], case.data, case.codes, offsets)
    lls, probabilities = [], []
    for child in np.random.SeedSequence((SEED, seed)).spawn(runs):
        rng = np.random.default_rng(child)
        total, probability = particle_filter(g, case.own, case.data, case.codes, n, rng)
        lls.append(total)
        probabilities.append(explain(probability[case.visits]))
    top = max(lls)
    ratios = np.exp(np.array(lls) - top)
    stacked = np.array(probabilities)
    return Compared(
        float(ll[0]),
        float(top + np.log(ratios.mean())),
        float(ratios.std(ddof=1) / ratios.mean() / np.sqrt(runs)),
        explain(belief[case.visits, :, 0]),
        stacked.mean(axis=0),
        stacked.std(axis=0, ddof=1) / np.sqrt(runs),
    )


def spread(errors: Array) -> str:
    """Return mean, 95 % quantile and largest of absolute errors as cells of a table."""
    size = np.abs(errors)
    return f"{size.mean():.4f} | {np.quantile(size, 0.95):.4f} | {size.max():.4f}"


def likelihood_row(name: str, found: list[Compared]) -> str:
    """Return the row of one variant in the table of log-likelihoods."""
    errors = np.array([c.ll - c.ll_oracle for c in found])
    noise = np.array([c.ll_se for c in found])
    return (
        f"| {name} | {errors.mean():+.3f} | {spread(errors)} | "
        f"{noise.mean():.3f} | {noise.max():.3f} |"
    )


def probability_rows(found: list[Compared], last: bool) -> list[str]:
    """Return the rows of one table of probabilities."""
    part = slice(-1, None) if last else slice(None, -1)
    p, oracle, se = (
        np.concatenate([getattr(c, name)[part] for c in found])
        for name in ("p", "p_oracle", "p_se")
    )
    rows = [
        f"| {name} | {oracle[:, k].mean():.3f} | {(p - oracle)[:, k].mean():+.4f} | "
        f"{spread((p - oracle)[:, k])} | {se[:, k].mean():.4f} | {se[:, k].max():.4f} |"
        for k, name in enumerate(EXPLANATIONS)
    ]
    every = p - oracle
    rows.append(
        f"| all ({len(p)} visits) | | | {spread(every)} | {se.mean():.4f} | {se.max():.4f} |"
    )
    return rows


def worst_rows(found: list[Compared], n: int = 8) -> list[str]:
    """Return the rows of the worst probabilities."""
    cells = [
        (abs(c.p[v, k] - c.p_oracle[v, k]), i, v, k)
        for i, c in enumerate(found)
        for v in range(len(c.p))
        for k in range(len(EXPLANATIONS))
    ]
    return [
        f"| {i + 1} | {'last' if v == len(found[i].p) - 1 else v + 1} | {EXPLANATIONS[k]} | "
        f"{found[i].p[v, k]:.3f} | {found[i].p_oracle[v, k]:.3f} | {found[i].p_se[v, k]:.3f} |"
        for _, i, v, k in sorted(cells, reverse=True)[:n]
    ]


def render(variants: dict[str, list[Compared]], options: argparse.Namespace, minutes: float) -> str:
    """Return the page."""
    first = next(iter(variants.values()))
    heads = "| | mean | bias | mean absolute | 95 % | worst | noise, mean | noise, worst |"
    lines = [
        "# What the switching filter leaves out",
        "",
        "The likelihood of the regimes model replaces two things: the mixture of everything that could",
        "have led to a regime by one Gaussian with its mean and variance (the collapse), and the",
        "saturating dose-response by its tangent at the expected requirement (the linearisation). A",
        "particle filter of the same model replaces neither. Here is how far apart the two are.",
        "",
        "```console",
        f"python benchmarks/regimes/collapse_error.py --patients {options.patients} "
        f"--particles {options.particles} --runs {options.runs}",
        "```",
        "",
        f"{len(first)} patients of `{COHORT.as_posix()}` (synthetic), evenly spaced, with one fixed and",
        "plausible set of parameters (in the script), once with all their records and once without",
        f"readings of tone and spasms. {options.particles:,} particles for each of the {N_STATE} regimes,",
        f"{options.runs} independent runs of each patient; the particle figure is the log of the runs' mean",
        "likelihood and the mean of their probabilities. *Noise* is the standard error of that figure",
        f"by the spread of the runs: differences below twice the noise mean nothing. {minutes:.0f} minutes.",
        "",
        "## Log-likelihood of a patient",
        "",
        "| records | mean difference | mean absolute | 95 % | worst | noise, mean | noise, worst |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(likelihood_row(name, found) for name, found in variants.items()),
        "",
        "Nats; switching filter less particles.",
    ]
    for name, found in variants.items():
        lines += ["", f"## Probabilities of the explanations: {name}"]
        for last in (True, False):
            where = "At the last visit" if last else f"At {VISITS} random visits of each patient"
            lines += ["", f"{where}:", "", heads, "|---|--:|--:|--:|--:|--:|--:|--:|"]
            lines += probability_rows(found, last)
        lines += ["", "The largest differences:", ""]
        lines += ["| patient | visit | explanation | filter | particles | noise |"]
        lines += ["|--:|--:|---|--:|--:|--:|", *worst_rows(found)]
    lines += [
        "",
        "*mean*: mean probability by particles; *bias*: mean of filter less particles.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=30)
    parser.add_argument("--particles", type=int, default=10_000, help="of each regime")
    parser.add_argument("--runs", type=int, default=8, help="independent runs of each patient")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    started = time.monotonic()
    cohort = Cohort.read(ROOT / COHORT)
    cases = lay_out(timeline(cohort), cohort, options.patients)
    sets: dict[str, list[Any]] = {
        "all records": cases,
        "without readings": [doses_alone(case) for case in cases],
    }
    variants = {}
    with ProcessPoolExecutor(options.processes) as pool:
        for name, chosen in sets.items():
            work = [
                pool.submit(compare, case, options.particles, options.runs, i)
                for i, case in enumerate(chosen)
            ]
            variants[name] = [item.result() for item in work]
            sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "regimes-collapse-error.md"
    minutes = max((time.monotonic() - started) / 60.0, 1.0)
    page.write_text(render(variants, options, minutes), encoding="utf-8", newline="\n")
    sys.stderr.write(f"wrote {page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
