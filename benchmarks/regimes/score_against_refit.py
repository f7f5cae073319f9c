"""Do scored patients get the probabilities of a full refit?

usage: python benchmarks/regimes/score_against_refit.py --fit FIT --work DIR [--patients 20]

Scores new patients of the clinic that a fit of @regimes was made of (clinic-small), and samples the
model again on the fitted cohort and each of them, one at a time. Half of the patients are those
whose weights of the first 400 draws cannot be believed. Each patient is kept in DIR as soon as it
is done, so the run goes on where it was stopped. Writes docs/results/regimes-score-against-refit.md.
About 20 minutes of processor time for 20 patients and a fit of 30.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from itb_bayes.cohort import Cohort
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import explanations_now, filter_patients
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import plan_scoring
from itb_bayes.risk.moved import Mover
from itb_bayes.risk.refit import Refit
from itb_bayes.risk.scoring import DRAWS_PER_CHAIN
from itb_bayes.risk.weights import importance_weights
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort

CANDIDATES, SEED = 60, 4242
WAYS = {
    "some": f"{DRAWS_PER_CHAIN} draws of each chain",
    "all": "all draws",
    "moved": "moved draws",
}
BLOCKS = 20


def new_patients(fit):
    """Return the plan of candidates whose diagnosis and centre were fitted."""
    with tempfile.TemporaryDirectory(prefix="refit-") as scratch:
        folder = Path(scratch) / "new"
        write_cohort(
            simulate_cohort(load_settings("clinic-small", patients=CANDIDATES, seed=SEED)), folder
        )
        return plan_scoring(fit.plan, Cohort.read(folder))


def choose(fit, new, n):
    """Return patients by turns of reliable and unreliable weights, in the order of the cohort."""
    known = np.flatnonzero((new.diagnosis_index >= 0) & (new.centre_index >= 0))
    draws = regimes_draws(new, thin(fit.posterior, DRAWS_PER_CHAIN))
    good = importance_weights(filter_patients(new, draws).log_likelihood).reliable
    bad, fine = [i for i in known if not good[i]], [i for i in known if good[i]]
    turns = [i for pair in zip(bad, fine, strict=False) for i in pair]
    return [int(i) for i in turns[:n]]


def weighted(states, weights):
    """Return probabilities now, their Monte Carlo errors, and how far to believe them."""
    w, now = weights.weight[:, 0], states.now[:, 0]
    p = w @ now
    return {
        "p": p.tolist(),
        "error": np.sqrt((w**2) @ (now - p) ** 2).tolist(),
        "k": float(weights.pareto_k[0]),
        "reliable": bool(weights.reliable[0]),
    }


def compare(fit, mover, refit, one, settings):
    """Return what one patient is told by scoring in three ways, and by refitting."""
    found = {}
    for way, posterior in (("some", thin(fit.posterior, DRAWS_PER_CHAIN)), ("all", fit.posterior)):
        states = filter_patients(one, regimes_draws(one, posterior))
        found[way] = weighted(states, importance_weights(states.log_likelihood))
    moved = mover.move(one, states.log_likelihood[:, 0])
    found["moved"] = weighted(filter_patients(one, moved.draws), moved.weights)
    found["moved"]["rounds"] = moved.rounds
    started = time.process_time()
    posterior = refit.sample(fit.plan.followed_by(one), settings)["posterior"].to_dataset()
    now = explanations_now(one, regimes_draws(one, posterior))[:, 0]
    # Draws of a chain are correlated: the error of a mean from blocks of each run.
    blocks = np.array([block.mean(axis=0) for block in np.array_split(now, BLOCKS)])
    found["refit"] = {
        "p": now.mean(axis=0).tolist(),
        "error": (blocks.std(axis=0, ddof=1) / np.sqrt(BLOCKS)).tolist(),
        "seconds": time.process_time() - started,
    }
    return found


def row_of(name, found, way):
    """Return the row of one way of scoring over some patients."""
    if not found:
        return f"| {name} | 0 | | | | | |"
    p, refitted = (np.array([f[w]["p"] for f in found]) for w in (way, "refit"))
    error = np.array([np.hypot(f[way]["error"], f["refit"]["error"]) for f in found])
    gap = np.abs(p - refitted)
    ratio = gap / np.maximum(error, 1e-4)
    return (
        f"| {name} | {len(found)} | {gap.mean():.4f} | {gap.max():.3f} | {error.mean():.4f} | "
        f"{100 * np.mean(ratio < 2):.0f} % | {100 * np.mean(ratio < 3):.0f} % |"
    )


def render(found, fit, settings):
    """Return the page."""
    head = [
        "# Scoring against refitting",
        "",
        "Written by `python benchmarks/regimes/score_against_refit.py`. Synthetic data: @regimes",
        f"fitted to {fit.manifest['cohort']} ({fit.plan.n_patient} patients,",
        f"{fit.posterior.sizes['chain']} chains of {fit.posterior.sizes['draw']:,} draws),",
        f"{len(found)} new patients of the same clinic scored without refitting, and the model",
        "sampled again on the fitted cohort and each of them, one at a time",
        f"({settings.chains} chains of {settings.draws} draws after {settings.tune}; "
        f"{np.mean([f['refit']['seconds'] for f in found]):.0f} s of processor time each).",
        "Patients were taken by turns from those whose weights of the first draws can be believed",
        "and those whose weights cannot.",
        "",
        "A *difference* is that of a probability of one explanation from the refit's; *error* is the",
        "Monte Carlo error of that difference. If both are the same but for Monte Carlo error, 95 %",
        "of differences are below two errors.",
        "",
        "| way of scoring | patients | mean difference | largest | mean error | below 2 errors | "
        "below 3 |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    rows = []
    for way, name in WAYS.items():
        good = [f for f in found if f[way]["reliable"]]
        rest = [f for f in found if not f[way]["reliable"]]
        rows.append(row_of(f"{name}, weights believed", good, way))
        rows.append(row_of(f"{name}, weights not believed (not printed)", rest, way))
    told = [{"told": next(f[w] for w in (*WAYS, "refit") if f[w].get("reliable", True)),
             "refit": f["refit"]} for f in found]  # fmt: skip
    rows.append(row_of("**what `score --refit` prints**", told, "told"))
    table = ["", "| explanation | mean told | mean refitted | mean difference | largest |",
             "|---|--:|--:|--:|--:|"]  # fmt: skip
    p, refitted = (np.array([f[w]["p"] for f in told]) for w in ("told", "refit"))
    for e, name in enumerate(EXPLANATIONS):
        gap = np.abs(p - refitted)[:, e]
        table.append(
            f"| {name} | {p[:, e].mean():.4f} | {refitted[:, e].mean():.4f} | {gap.mean():.4f} | "
            f"{gap.max():.4f} |"
        )
    return "\n".join([*head, *rows, *table]) + "\n"


def main() -> int:
    """Run, or go on, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--tune", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    settings = SamplerSettings(options.draws, options.tune, 2, 0.8, metric="whitened")
    fit = load_fit(options.fit)
    new = new_patients(fit)
    mover, refit, found = Mover(fit), Refit(fit), []
    options.work.mkdir(parents=True, exist_ok=True)
    for i in choose(fit, new, options.patients):
        kept = options.work / f"{fit.run_id}-{options.draws}-{options.tune}-{i}.json"
        if not kept.exists():
            told = compare(fit, mover, refit, new.between(i, i + 1), settings)
            kept.write_text(json.dumps(told), encoding="utf-8")
        found.append(json.loads(kept.read_text(encoding="utf-8")))
        sys.stderr.write(f"{len(found)} of {options.patients}\n")
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "regimes-score-against-refit.md"
    page.write_text(render(found, fit, settings), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
