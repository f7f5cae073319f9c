"""Do scores of the likelihood at the truth average nought? A test of filter against simulator.

    python benchmarks/regimes/scores.py [--cohorts 400]

writes ``docs/results/regimes-scores.md``. The design is that of ``sbc.py`` (60 patients of
``registry`` in their first 30 months); every cohort is drawn at a draw of the priors. About three
minutes of processor time; no patient is real.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sbc import design

from itb_bayes.checks.regimes_prior import draw_regimes_prior
from itb_bayes.evaluate.calibration.scores import Scores, scores_at_truth
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.spec import load_model

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "regimes-scores.md"
SEED, SHOWN = 11, 20


def page(scores: Scores, n_patient: int) -> str:
    """Return the page in Markdown."""
    z, shift, n = scores.z, scores.shift, len(scores.values)
    told = np.isfinite(z)
    order = np.argsort(-np.abs(np.where(told, z, 0.0)))[:SHOWN]
    lines = [
        "# Scores of the regimes likelihood at the truth",
        "",
        f"{n} cohorts of {n_patient} synthetic patients, each drawn from `@regimes` with parameters "
        "from its priors, without the filter's approximations; and the derivative of the filter's "
        "log-likelihood at these parameters. Over cohorts it averages nought where filter and model "
        "agree. *Shift*: mean over SD of the score, in units of what one such cohort alone would "
        "say of that parameter with all others known; a posterior, in which they are not, is pulled "
        "by less. *z*: mean over its standard error.",
        "",
        f"{int(told.sum())} parameters of which the data say something; the largest shift is "
        f"{np.nanmax(np.abs(shift)):.2f}, the root mean square "
        f"{np.sqrt(np.nanmean(np.square(shift))):.2f} (about {1.0 / np.sqrt(n):.2f} by chance). "
        f"The {SHOWN} with the largest z:",
        "",
        "| kernel parameter | shift | z |",
        "|---|--:|--:|",
        *(f"| {scores.names[j]} | {shift[j]:+.2f} | {z[j]:+.1f} |" for j in order),
        "",
        "Repeat with `python benchmarks/regimes/scores.py`.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Draw, score, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=400)
    asked = parser.parse_args()
    spec, plan = load_model("@regimes"), design()
    draws = regimes_draws(plan, draw_regimes_prior(spec, plan, asked.cohorts, SEED))
    text = page(scores_at_truth(plan, draws, SEED), plan.n_patient)
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
