"""Do scored patients get the probabilities of a full refit?

usage: python benchmarks/regimes/score_against_refit.py [--patients 20] [--out docs/results]

Fits @regimes to the shipped clinic-small cohort, scores new patients of the same synthetic clinic
without refitting, and fits again with each of them added, one at a time. Writes
regimes-score-against-refit.md. About 40 minutes on two cores.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from itb_bayes.cohort import Cohort
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.sampling import (
    chain_batches,
    compile_model,
    in_coordinates,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes import build_regimes, plan_data
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes, plan_scoring
from itb_bayes.risk.weights import importance_weights
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Pair:
    """Probabilities of one patient by both ways, shape (6,) each, with Monte Carlo errors."""

    scored: np.ndarray
    scored_error: np.ndarray
    refitted: np.ndarray
    refitted_error: np.ndarray
    pareto_k: float


def joined(fitted: RegimesPlan, other: RegimesPlan) -> RegimesPlan:
    """Return one plan of the patients of both; the groups are those of the first."""
    return replace(
        fitted,
        patient_ids=fitted.patient_ids + other.patient_ids,
        offsets=np.concatenate([fitted.offsets, fitted.offsets[-1] + other.offsets[1:]]),
        data=np.concatenate([fitted.data, other.data]),
        codes=np.concatenate([fitted.codes, other.codes]),
        diagnosis_index=np.concatenate([fitted.diagnosis_index, other.diagnosis_index]),
        centre_index=np.concatenate([fitted.centre_index, other.centre_index]),
        older_catheter=np.concatenate([fitted.older_catheter, other.older_catheter]),
        untreated_tone=np.concatenate([fitted.untreated_tone, other.untreated_tone]),
    )


def sample(compiled, settings):
    """Return the posterior of a compiled model."""
    target = in_coordinates(compiled, settings)
    batches = [sample_batch(target, settings, batch) for batch in chain_batches(settings)]
    return join_batches(batches)["posterior"].to_dataset()


def main() -> int:
    """Run and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--tune", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    started = time.monotonic()
    settings = SamplerSettings(options.draws, options.tune, 2, 0.8, metric="whitened")
    spec = load_model("@regimes")
    fitted = plan_regimes(spec, Cohort.read(ROOT / "data" / "synthetic" / "clinic-small"))
    compiled = compile_model(build_regimes(spec, fitted))
    posterior = sample(compiled, settings)
    others = load_settings("clinic-small", patients=2 * options.patients, seed=4242)
    with tempfile.TemporaryDirectory(prefix="refit-") as scratch:
        folder = Path(scratch) / "new"
        write_cohort(simulate_cohort(others), folder)
        new = plan_scoring(fitted, Cohort.read(folder))
    known = np.flatnonzero((new.diagnosis_index >= 0) & (new.centre_index >= 0))
    pairs = []
    for i in known[: options.patients]:
        one = new.between(int(i), int(i) + 1)
        pairs.append(compare(compiled, settings, posterior, fitted, one))
        sys.stderr.write(f"{len(pairs)} of {options.patients}\n")
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "regimes-score-against-refit.md"
    page.write_text(render(pairs, settings, time.monotonic() - started), encoding="utf-8")
    return 0


def compare(compiled, settings, posterior, fitted: RegimesPlan, one: RegimesPlan) -> Pair:
    """Return the probabilities of one new patient by scoring and by refitting."""
    states = filter_patients(one, regimes_draws(one, posterior))
    weights = importance_weights(states.log_likelihood)
    w, now = weights.weight[:, 0], states.now[:, 0]
    scored = w @ now
    scored_error = np.sqrt((w**2) @ (now - scored) ** 2)
    both = joined(fitted, one)
    refit = sample(compiled.with_data(**plan_data(both)), settings)
    again = filter_patients(one, regimes_draws(one, refit)).now[:, 0]
    # Draws of a chain are correlated: the error of a mean from 20 blocks of each run.
    blocks = np.array([block.mean(axis=0) for block in np.array_split(again, 20)])
    return Pair(
        scored, scored_error, again.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(20),
        float(weights.pareto_k[0]),
    )  # fmt: skip


def render(pairs: list[Pair], settings: SamplerSettings, seconds: float) -> str:
    """Return the page."""
    gap = np.array([pair.scored - pair.refitted for pair in pairs])
    error = np.array([np.hypot(p.scored_error, p.refitted_error) for p in pairs])
    ratio = gap / np.maximum(error, 1e-4)
    lines = [
        "# Scoring against refitting",
        "",
        "Written by `python benchmarks/regimes/score_against_refit.py`. Synthetic data: @regimes",
        f"fitted to clinic-small (30 patients), {len(pairs)} new patients of the same clinic scored",
        "without refitting, and the model fitted again with each of them added, one at a time;",
        f"{settings.chains} chains of {settings.draws} draws each. {seconds / 60:.0f} minutes.",
        "",
        f"Of {ratio.size} probabilities (six explanations, {len(pairs)} patients),",
        f"{100 * np.mean(np.abs(ratio) < 2):.0f} % differ by less than two Monte Carlo errors of the",
        f"difference and {100 * np.mean(np.abs(ratio) < 3):.0f} % by less than three; the largest",
        f"difference is {np.abs(gap).max():.3f}. Largest Pareto k {max(p.pareto_k for p in pairs):.2f}.",
        "",
        "| explanation | mean scored | mean refitted | mean absolute difference | largest | "
        "mean Monte Carlo error |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for e, name in enumerate(EXPLANATIONS):
        lines.append(
            f"| {name} | {np.mean([p.scored[e] for p in pairs]):.4f} | "
            f"{np.mean([p.refitted[e] for p in pairs]):.4f} | {np.abs(gap[:, e]).mean():.4f} | "
            f"{np.abs(gap[:, e]).max():.4f} | {error[:, e].mean():.4f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
