"""How far the switching filter of the regimes model is from the model that it approximates.

    python benchmarks/regimes/collapse_error.py [--patients 30] [--particles 10000] [--runs 8]
        [--out docs/results]

The filter replaces mixtures by Gaussians of the same moments and the saturating response by its
line at three points of the requirement. A particle filter does neither. Both run, at the medians of the priors, over evenly
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

from itb_bayes.checks.prior_draws import distribution
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.kernel.regimes.layout import (
    EXPLANATION_OF_STATE,
    EXPLANATIONS,
    N_STATE,
    Col,
)
from itb_bayes.kernel.regimes.particle import particle_filter
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS
from itb_bayes.model.regimes_parameters import kernel_parameters
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes
from itb_bayes.spec import load_model

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parent.parent.parent
COHORT = Path("data") / "synthetic" / "registry"
SEED = 20261122
VISITS = 5
"""Visits of every patient, besides the last, at which probabilities are compared."""


def parameters(plan: RegimesPlan) -> tuple[Array, Array]:
    """Return the kernel's parameters at the medians of the shipped priors."""
    spec = load_model("@regimes")
    values: dict[str, Any] = {}
    for name, prior in spec.resolved_priors.items():
        median = distribution(prior).median()
        if name in BY_DIAGNOSIS:
            labels = [distribution(prior.by.get(d, prior)).median() for d in plan.diagnoses]
            values[name] = np.array(labels)
        else:
            values[name] = np.full(len(plan.centres), median) if name in BY_CENTRE else median
    return kernel_parameters(values, plan, np)


@dataclass(frozen=True)
class Case:
    """One patient: parameters, steps, and the visits that are compared (the last one last)."""

    g: Array
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


def lay_out(plan: RegimesPlan, n_patient: int) -> list[Case]:
    """Return evenly spaced patients of a plan as the kernels read them."""
    rng = np.random.default_rng(SEED)
    g, own = parameters(plan)
    cases = []
    for i in np.linspace(0, plan.n_patient - 1, n_patient).astype(int):
        rows = slice(plan.offsets[i], plan.offsets[i + 1])
        n = rows.stop - rows.start
        visits = np.sort(rng.choice(np.arange(1, n - 1), min(VISITS, n - 2), replace=False))
        steps = plan.data[rows], plan.codes[rows]
        cases.append(Case(g, own[i], *steps, np.append(visits, n - 1)))
    return cases


def doses_alone(case: Case) -> Case:
    """Return a patient without his readings of tone and spasms."""
    data = case.data.copy()
    data[:, [Col.ASHWORTH, Col.PENN]] = np.nan
    return Case(case.g, case.own, data, case.codes, case.visits)


def explain(probability: Array) -> Array:
    """Return the probabilities of the explanations from those of the states (last axis)."""
    of_state = np.zeros((N_STATE, len(EXPLANATIONS)))
    of_state[np.arange(N_STATE), EXPLANATION_OF_STATE] = 1.0
    return np.asarray(probability @ of_state)


def compare(case: Case, n: int, runs: int, seed: int) -> Compared:
    """Run both filters over one patient."""
    g = case.g
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
        "saturating dose-response by a line through three points of it (the linearisation). A",
        "particle filter of the same model replaces neither. Here is how far apart the two are.",
        "",
        "```console",
        f"python benchmarks/regimes/collapse_error.py --patients {options.patients} "
        f"--particles {options.particles} --runs {options.runs}",
        "```",
        "",
        f"{len(first)} patients of `{COHORT.as_posix()}` (synthetic), evenly spaced, at the medians",
        "of the shipped priors, once with all their records and once without",
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
    cases = lay_out(plan_regimes(load_model("@regimes"), cohort), options.patients)
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
