"""Does calibration by simulation see a sign error in one transition rate, and pass the right code?

    python benchmarks/regimes/sbc_sign_error.py --work FOLDER

writes ``docs/results/sbc-regimes-sign.md``. Truths come from the priors of ``@regimes``, records of
the ``clinic-small`` design (30 patients) from the model. Four transition rates are to be told from
the records, the other parameters are known; the truth is ranked among 201 candidates from the prior
(:mod:`itb_bayes.evaluate.calibration.candidates`), by the filter that every fit runs on. Then the
same with one rate's sign reversed before the filter: its logarithm departs from the prior's median
by as much the other way. About four minutes of processor time; ``--work`` keeps the replicates, and
a run that was killed goes on.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.candidates import CandidateExperiment
from itb_bayes.evaluate.calibration.run import Calibration, calibrate
from itb_bayes.evaluate.calibration.verdict import calibration_checks, rank_table
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Par
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import RegimesSpec, load_model

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "sbc-regimes-sign.md"
FREE = ("trigger_per_year", "trigger_weeks", "tolerance_early_per_year", "catheter_later")
REVERSED = {
    "trigger_per_year": Par.TRIGGER_ONSET,
    "catheter_later": Par.CATHETER_LATER,
}
"""Rates whose sign is reversed, one at a time."""

SEED = 5


def reverse(spec: RegimesSpec, name: str) -> Callable[[RegimesDraws], RegimesDraws]:
    """Return the error: the log of a rate departs from the prior's median the other way."""
    median = spec.resolved_priors[name].quantile(0.5)

    def planted(draws: RegimesDraws) -> RegimesDraws:
        g = draws.g.copy()
        g[:, REVERSED[name]] = median**2 / g[:, REVERSED[name]]
        return RegimesDraws(g, draws.own)

    return planted


def design() -> tuple[RegimesSpec, RegimesPlan]:
    """Return the shipped model, and the design of the shipped clinic."""
    spec = load_model("@regimes")
    assert isinstance(spec, RegimesSpec)
    return spec, plan_regimes(spec, Cohort.read(demo_cohort_dir()))


def table_of(runs: dict[str, Calibration]) -> list[str]:
    """Return the rows of the page: p of every quantity by run."""
    tables = {name: rank_table(done.table).set_index("quantity") for name, done in runs.items()}
    first = next(iter(tables.values()))
    lines = ["| ranked | " + " | ".join(runs) + " |", "|---|" + "---|" * len(runs)]
    for quantity in first.index:
        cells = [cell(table.loc[quantity], len(first)) for table in tables.values()]
        lines.append(f"| {quantity} | " + " | ".join(cells) + " |")
    verdicts = [calibration_checks(done)[0].verdict for done in runs.values()]
    lines.append("| **verdict** | " + " | ".join(f"**{v}**" for v in verdicts) + " |")
    return lines


def cell(row: pd.Series, n_quantity: int) -> str:
    """Return p and mean rank, bold where the quantity fails."""
    text = f"{row['p']:.4f} ({row['mean_rank']:.2f})"
    return f"**{text}**" if row["p"] < 0.05 / n_quantity else text


def main() -> int:
    """Run all calibrations and write the page; exit code 1 if the right code fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the replicates")
    parser.add_argument("--replicates", type=int, default=100)
    asked = parser.parse_args()
    spec, plan = design()
    runs = {}
    for name in ("", *REVERSED):
        planted = reverse(spec, name) if name else None
        experiment = CandidateExperiment(spec, plan, FREE, planted=planted)
        label = f"sign of `{name}` reversed" if name else "right code"
        runs[label] = calibrate(
            experiment, asked.work / (name or "right"), replicates=asked.replicates, seed=SEED,
            place=Workplace(0),
        )  # fmt: skip
        print(label, calibration_checks(runs[label])[0].summary, file=sys.stderr)
    right = calibration_checks(runs["right code"])[0]
    PAGE.write_text(page(runs, asked.replicates, plan, right.criterion), encoding="utf-8")
    return int(right.passed is not True)


def page(runs: dict[str, Calibration], n: int, plan: RegimesPlan, criterion: str) -> str:
    """Return the page."""
    lines = [
        "# A sign error in a transition rate, and calibration by simulation",
        "",
        f"{n} data sets of the `clinic-small` design ({plan.n_patient} patients, "
        f"{plan.t_years.size} days of record) drawn from `@regimes` with parameters from its "
        "priors. Four transition rates are to be told from the records; all others are known to "
        "the judge. The truth is ranked among 201 candidates that were drawn alike, each with the "
        "probability that its likelihood gives it: that rank is uniform if simulator and filter "
        "agree, whatever the number of candidates (docs, calibration). Then the same code with "
        "the sign of one rate reversed on its way to the filter: its logarithm departs from the "
        "prior's median by as much the other way.",
        "",
        "p (mean rank; 0.50 if calibrated); bold: fails.",
        "",
        *table_of(runs),
        "",
        f"Criterion: {criterion}.",
        "",
        "What this leaves out: the sampler, and what a posterior narrower than the distance of two "
        "candidates would show. `itb-bayes calibrate @regimes` without `--free` samples every "
        "replicate.",
        "",
        "Repeat with `python benchmarks/regimes/sbc_sign_error.py --work FOLDER`; the right code "
        "alone with `itb-bayes calibrate @regimes "
        + " ".join(f"--free {name}" for name in FREE)
        + f" --replicates {n} --seed {SEED} --workers 0 --out FOLDER`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    np.seterr(divide="ignore")
    sys.exit(main())
