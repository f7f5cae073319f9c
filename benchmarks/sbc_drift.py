"""Simulation-based calibration of the drift model, and of one with a planted sign error.

Writes ``docs/results/sbc-drift.md``; replicates are kept in ``--work``, so that an interrupted run
goes on where it stopped:

    python benchmarks/sbc_drift.py [--replicates 200] [--work build/sbc]

The first part is what ``itb-bayes calibrate @drift`` does. In the second part the data are made
with the drift of one diagnosis reversed (µ → -µ), as a slip of sign in the model would make them.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.drift import SAMPLER, DriftExperiment
from itb_bayes.evaluate.calibration.experiment import N_RANKED
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.verdict import calibration_checks
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.model.plan import plan_drift
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results" / "sbc-drift.md"
DIAGNOSIS = "MS"
PLANTED_REPLICATES = 60


class ReversedDrift(DriftExperiment):
    """Data are made with the drift of one diagnosis reversed; the fit does not know."""

    @property
    def identity(self):
        """That of the right model, and what is planted."""
        return {**super().identity, "planted": f"drift of {DIAGNOSIS} reversed"}

    def simulate(self, truth, rng):
        """Make the data at another truth than the one that is ranked."""
        wrong = truth.copy(deep=True)
        wrong["drift"].loc[{"diagnosis": DIAGNOSIS}] *= -1.0
        return super().simulate(wrong, rng)


def table_lines(table: pd.DataFrame) -> list[str]:
    """Return a table of rank curves in Markdown."""
    lines = [
        "| quantity | inside its band | p | largest distance | mean rank | spread |",
        "|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {row.quantity} | {'yes' if row.inside else '**no**'} | {row.p:.4f} | {row.worst:.3f} | "
        f"{row.mean_rank:.3f} | {row.spread:.2f} |"
        for row in table.itertuples()
    ]


def main() -> int:
    """Run both calibrations and write the page; exit code 1 if either says the wrong thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "sbc")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    spec = load_model("@drift")
    plan = plan_drift(spec, Cohort.read(demo_cohort_dir()))
    place = Workplace(arguments.workers)
    right, fits = calibration_checks(
        calibrate(
            DriftExperiment(spec, plan), arguments.work / "right",
            replicates=arguments.replicates, place=place,
        )
    )  # fmt: skip
    wrong, _ = calibration_checks(
        calibrate(
            ReversedDrift(spec, plan), arguments.work / "reversed",
            replicates=PLANTED_REPLICATES, place=place,
        )
    )  # fmt: skip
    kinds = Counter(bool(inside) for inside in right.table["inside"])
    lines = [
        "# Simulation-based calibration of `drift`",
        "",
        f"Model digest `{spec.digest[:12]}`; design of the synthetic cohort `clinic-small` "
        f"({plan.n_patient} patients, {plan.panel.n_visit} readings, {len(plan.centres)} centres, "
        f"{len(plan.diagnoses)} diagnoses). {arguments.replicates} replicates: population "
        "parameters from the priors, patients and doses from the model, a fit of "
        f"{SAMPLER.chains} chains of {SAMPLER.tune} + {SAMPLER.draws} draws, ranks of the truth "
        f"among {N_RANKED} thinned draws. {fits.summary}",
        "",
        f"**{right.verdict}** {right.summary}",
        "",
        *table_lines(right.table),
        "",
        f"{kinds[True]} of {len(right.table)} curves lie inside their own band.",
        "",
        "## A planted sign error",
        "",
        f"Data made with the drift of {DIAGNOSIS} reversed, {PLANTED_REPLICATES} replicates; the "
        "four worst curves:",
        "",
        f"**{wrong.verdict}** {wrong.summary}",
        "",
        *table_lines(wrong.table.head(4)),
        "",
        "Repeat with `python benchmarks/sbc_drift.py`; the first part is "
        f"`itb-bayes calibrate @drift --replicates {arguments.replicates} --out sbc`.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))
    return 0 if right.passed and wrong.passed is False else 1


if __name__ == "__main__":
    sys.exit(main())
