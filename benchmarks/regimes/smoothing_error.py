"""What smoothing leaves out: the smoother and drawn courses beside a particle smoother.

usage: python benchmarks/regimes/smoothing_error.py [--patients 8] [--out docs/results]

Patients of the synthetic registry at the medians of the shipped priors, as in collapse_error.py.
Writes regimes-smoothing-error.md. About a minute of processor time.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from collapse_error import COHORT, ROOT, SEED, explain, lay_out

from itb_bayes.cohort import Cohort
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, N_STATE
from itb_bayes.kernel.regimes.particle_smoother import particle_smooth
from itb_bayes.kernel.regimes.paths import N_CHANCE, sample_paths
from itb_bayes.kernel.regimes.smoother import smooth
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.spec import load_model


def compare(case, options, seed):
    """Return smoothed probabilities by each way, shape (n_step, 6), and the particles' noise."""
    n = len(case.data)
    smoothed = smooth(case.g, case.own[None], case.data, case.codes, np.array([0, n]))[:, :, 0]
    rng = np.random.default_rng((SEED, seed))
    shape = (options.courses, n + 1, N_CHANCE)
    state = sample_paths(
        case.g, case.own, case.data, case.codes, rng.random(shape), rng.standard_normal(shape)
    )[0]
    drawn = np.array([(state == s).mean(axis=0) for s in range(N_STATE)]).T
    runs = []
    for child in np.random.SeedSequence((SEED, seed)).spawn(options.runs):
        ll, probability = particle_smooth(
            case.g, case.own, case.data, case.codes, options.particles, np.random.default_rng(child)
        )
        runs.append((ll, explain(probability)))
    # Each run is weighted by its likelihood, as one larger run would have been.
    weight = np.exp(np.array([ll for ll, _ in runs]) - max(ll for ll, _ in runs))
    weight /= weight.sum()
    stacked = np.array([probability for _, probability in runs])
    mean = np.tensordot(weight, stacked, axes=1)
    noise = np.sqrt(np.tensordot(weight**2, (stacked - mean) ** 2, axes=1))
    return explain(smoothed), explain(drawn), mean, noise


def rows(name, found, want, noise):
    """Return the rows of one way of smoothing."""
    gap = np.abs(found - want)
    out = [
        f"| {name} | {label} | {want[:, e].mean():.3f} | {(found - want)[:, e].mean():+.4f} | "
        f"{gap[:, e].mean():.4f} | {np.quantile(gap[:, e], 0.95):.4f} | {gap[:, e].max():.3f} |"
        for e, label in enumerate(EXPLANATIONS)
    ]
    beyond = np.mean(gap > 2.0 * noise + 0.01)
    out.append(
        f"| {name} | all | | | {gap.mean():.4f} | {np.quantile(gap, 0.95):.4f} | {gap.max():.3f} |"
    )
    return out, f"{100 * beyond:.1f} % of the probabilities of {name}"


def main() -> int:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--particles", type=int, default=2000, help="of each regime")
    parser.add_argument("--runs", type=int, default=6, help="independent runs of each patient")
    parser.add_argument("--courses", type=int, default=2000, help="drawn of each patient")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    started = time.process_time()
    cases = lay_out(
        plan_regimes(load_model("@regimes"), Cohort.read(ROOT / COHORT)), options.patients
    )
    found = [compare(case, options, i) for i, case in enumerate(cases)]
    smoothed, drawn, want, noise = (np.concatenate(part) for part in zip(*found, strict=True))
    first, told = rows("the smoother", smoothed, want, noise)
    second, told_drawn = rows("drawn courses", drawn, want, noise)
    page = [
        "# What smoothing leaves out",
        "",
        "Written by `python benchmarks/regimes/smoothing_error.py`. The smoother and the courses",
        "drawn backwards start from the collapsed beliefs of the switching filter; a particle",
        "smoother of the same model, which carries whole courses, collapses nothing.",
        f"{len(cases)} patients of `{COHORT.as_posix()}` (synthetic), evenly spaced, all records, at",
        f"the medians of the shipped priors; {len(want)} visits. {options.particles:,} particles for",
        f"each of the {N_STATE} regimes, {options.runs} independent runs weighted by their likelihood;",
        f"{options.courses:,} courses drawn. {time.process_time() - started:.0f} s of processor time.",
        "",
        "| way | explanation | mean by particles | bias | mean absolute | 95 % | worst |",
        "|---|---|--:|--:|--:|--:|--:|",
        *first,
        *second,
        "",
        f"Noise of the particles by the spread of the runs: mean {noise.mean():.4f}, worst",
        f"{noise.max():.3f}. {told} and {told_drawn} differ by more than 0.01 and twice that noise;",
        f"the two ways differ from one another by {np.abs(smoothed - drawn).mean():.4f} on average, at",
        f"worst {np.abs(smoothed - drawn).max():.3f} (courses: standard error up to "
        f"{0.5 / np.sqrt(options.courses):.3f}).",
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "regimes-smoothing-error.md").write_text(
        "\n".join(page) + "\n", encoding="utf-8", newline="\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
