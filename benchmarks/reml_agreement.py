"""Population estimates of ``@drift-lmm`` beside restricted maximum likelihood.

usage: python benchmarks/reml_agreement.py [--out docs/results]

On exactly the same readings of the shipped skoog2019 cohort and of a simulated cohort of 200
patients. Writes reml-agreement.md; exits with 1 where the two disagree.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from peers.agreement import Comparison, compare
from peers.agreement_page import render_page
from peers.problem import simulate, write_problem

from itb_bayes.cohort import Cohort
from itb_bayes.inference.settings import SamplerSettings

ROOT = Path(__file__).resolve().parent.parent
N_PATIENT = 200
SEED = 20261122


def run(settings: SamplerSettings) -> list[Comparison]:
    """Compare on both cohorts."""
    with tempfile.TemporaryDirectory(prefix="reml-") as scratch:
        folder = Path(scratch) / "problem"
        write_problem(simulate(N_PATIENT, SEED), folder)
        cohorts = {
            "data/synthetic/skoog2019": ROOT / "data" / "synthetic" / "skoog2019",
            f"{N_PATIENT} simulated patients, ten yearly readings": folder / "cohort",
        }
        found = []
        for title, path in cohorts.items():
            sys.stderr.write(f"{title} ...\n")
            found.append(compare(title, Cohort.read(path), settings, Path(scratch)))
    return found


def main() -> int:
    """Run, write the page, and return 1 where the estimates disagree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--draws", type=int, default=5000, help="kept draws per chain")
    options = parser.parse_args()
    settings = SamplerSettings(draws=options.draws, tune=1000)
    comparisons = run(settings)
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "reml-agreement.md"
    page.write_text(render_page(comparisons, settings), encoding="utf-8", newline="\n")
    agreed = all(comparison.agrees for comparison in comparisons)
    sys.stderr.write(f"wrote {page}: {'agree' if agreed else 'DISAGREE'}\n")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
