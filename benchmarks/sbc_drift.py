"""Simulation-based calibration of the drift model on the design of ``clinic-small``.

Writes ``docs/results/sbc-drift.md`` and keeps one line per replicate in
``docs/results/sbc-drift.jsonl``, so that an interrupted run goes on where it stopped:

    python benchmarks/sbc_drift.py [--replicates 200] [--model @drift]
"""

import argparse
import sys
from pathlib import Path

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.sbc import N_RANKED, SbcSettings, calibrate, rank_table
from itb_bayes.model.plan import plan_drift
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results"


def main() -> int:
    """Run the calibration and write its table; exit code 1 if a rank curve leaves its band."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--model", default="@drift")
    arguments = parser.parse_args()
    spec = load_model(arguments.model)
    plan = plan_drift(spec, Cohort.read(demo_cohort_dir()))
    settings = SbcSettings(replicates=arguments.replicates)
    name = f"sbc-{spec.name}"
    results = calibrate(spec, plan, settings, RESULTS / f"{name}.jsonl")
    table = rank_table(results)
    by_replicate = results.groupby("replicate").first()
    lines = [
        f"# Simulation-based calibration of `{spec.name}`",
        "",
        f"Model digest `{spec.digest[:12]}`; design of the synthetic cohort `clinic-small` "
        f"({plan.n_patient} patients, {plan.panel.n_visit} readings, {len(plan.centres)} centres, "
        f"{len(plan.diagnoses)} diagnoses). {len(by_replicate)} replicates: population parameters "
        "from the priors, patients and doses from the model, a fit of "
        f"{settings.sampler.chains} chains of {settings.sampler.tune} + {settings.sampler.draws} "
        f"draws, ranks of the truth among {N_RANKED} thinned draws. No replicate is left out: "
        f"{int((by_replicate['divergences'] > 0).sum())} had a divergence, "
        f"{int((by_replicate['r_hat'] > 1.05).sum())} an R-hat above 1.05.",
        "",
        f"{int(table['inside'].sum())} of {len(table)} rank curves lie wholly inside their 95 % "
        "simultaneous band (Säilynoja, Bürkner & Vehtari 2022); one in twenty would leave it by "
        "chance.",
        "",
        "| quantity | inside band | largest distance | mean rank | p (10 bins) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.quantity} | {'yes' if row.inside else '**no**'} | {row.worst:.3f} | "
        f"{row.mean_rank:.3f} | {row.p:.2f} |"
        for row in table.itertuples()
    ]
    lines += ["", "Repeat with `python benchmarks/sbc_drift.py`.", ""]
    (RESULTS / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))
    return 0 if bool(table["inside"].all()) else 1


if __name__ == "__main__":
    sys.exit(main())
