"""Simulation-based calibration of the regimes model on 60 patients; no patient is real.

    python benchmarks/regimes/sbc.py [--replicates 100] [--workers 2] [--work build/sbc-regimes]

writes ``docs/results/sbc-regimes.md`` and the figure of all rank curves beside it. The design is
the visits of the first 60 patients of ``registry`` in their first 30 months; everything else is
drawn from the model: population parameters from the priors, regimes, requirements, readings,
decisions and events from them. It is what ``itb-bayes calibrate @regimes --design`` does; replicates
are kept, so that a run that was stopped goes on.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import matplotlib
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sbc_drift import table_lines

from itb_bayes.checks.bands import ecdf_at
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.experiment import N_RANKED
from itb_bayes.evaluate.calibration.regimes import SAMPLER, RegimesExperiment
from itb_bayes.evaluate.calibration.run import Calibration, calibrate
from itb_bayes.evaluate.calibration.verdict import calibration_checks, rank_band, scaled
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.model.regimes_plan import REVISION, RegimesPlan, plan_regimes
from itb_bayes.spec import load_model

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "results" / "sbc-regimes.md"
REGISTRY = ROOT / "data" / "synthetic" / "registry"
PATIENTS = 60
DAYS = 913
"""30 months."""


def cut(source: Path, folder: Path, n_patient: int = PATIENTS, days: int = DAYS) -> None:
    """Write the first patients of a cohort in their first days as a cohort of its own."""
    patients = pd.read_csv(source / "patients.csv", dtype=str).head(n_patient)
    start = patients.set_index("patient_id")["implant_date"]
    end = pd.to_datetime(start) + pd.Timedelta(days=days)
    last = pd.to_datetime(patients["last_seen"])
    seen = last.where(last < patients["patient_id"].map(end), patients["patient_id"].map(end))
    patients["last_seen"] = seen.dt.strftime("%Y-%m-%d")
    patients.drop(columns="exit_reason").to_csv(folder / "patients.csv", index=False)
    for path in sorted(source.glob("*.csv")):
        if path.name == "patients.csv" or path.name.startswith("truth"):
            continue
        table = pd.read_csv(path, dtype=str)
        kept = table["patient_id"].isin(start.index)
        within = pd.to_datetime(table["date"]) <= table["patient_id"].map(end)
        table[kept & within].to_csv(folder / path.name, index=False)
    text = (source / "cohort.toml").read_text(encoding="utf-8")
    (folder / "cohort.toml").write_text(text, encoding="utf-8")


def design() -> RegimesPlan:
    """Return the visits at which the model's own courses are observed."""
    with tempfile.TemporaryDirectory() as folder:
        cut(REGISTRY, Path(folder))
        return plan_regimes(load_model("@regimes"), Cohort.read(Path(folder)))


def draw_curves(done: Calibration, judged: pd.DataFrame, path: Path) -> None:
    """Draw every rank curve, less the uniform one, in one band; name those that leave it."""
    figure, axes = plt.subplots(figsize=(7.0, 3.6), layout="constrained")
    band = rank_band(len({*done.table["replicate"]}))
    outside = set(judged.loc[~judged["inside"], "quantity"])
    axes.fill_between(
        band.z, band.low - band.z, band.high - band.z, color="#d9e2ec", lw=0,
        label="95 % band of one curve",
    )  # fmt: skip
    for name, group in done.table.groupby("quantity", sort=False):
        u = scaled(group["rank"].to_numpy())
        wrong = name in outside
        axes.plot(
            band.z, ecdf_at(u, band.z) - band.z, lw=1.4 if wrong else 0.5,
            color="#b3261e" if wrong else "#486581", alpha=1.0 if wrong else 0.5,
        )  # fmt: skip
    axes.set(
        xlabel="rank of the truth among posterior draws, scaled", ylabel="ECDF less uniform",
        title=f"SYNTHETIC: {len(judged)} quantities, {len(outside)} curves outside (red)",
    )  # fmt: skip
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def page(plan: RegimesPlan, done: Calibration, replicates: int) -> str:
    """Return the page in Markdown."""
    ranks, fits = calibration_checks(done)
    kinds = Counter(bool(inside) for inside in ranks.table["inside"])
    lines = [
        "# Simulation-based calibration of `regimes`",
        "",
        f"Model digest `{load_model('@regimes').digest[:12]}`, likelihood revision {REVISION}; design: the visits of {plan.n_patient} "
        f"patients of the synthetic cohort `registry` in their first 30 months "
        f"({int(plan.offsets[-1]):,} days of record). {replicates} replicates: population parameters "
        "from the priors; regimes, requirements, readings, decisions and events from the model "
        f"itself, without the filter's approximations; a fit of {SAMPLER.chains} chains of "
        f"{SAMPLER.tune} + {SAMPLER.draws} draws; ranks of the truth among {N_RANKED} thinned draws. "
        "Ranked are all population parameters, the log-likelihood, and the probability of a device "
        "fault at the last visit of three patients. " + fits.summary,
        "",
        f"**{ranks.verdict}** {ranks.summary}",
        "",
        "![All rank curves, less the uniform one, in the 95 % band of one](sbc-regimes.svg)",
        "",
        *table_lines(ranks.table),
        "",
        f"{kinds[True]} of {len(ranks.table)} curves lie inside their own band.",
        "",
        f"Repeat with `python benchmarks/regimes/sbc.py --replicates {replicates}`.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run what is missing and write the page; exit code 1 if the ranks are not uniform."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "sbc-regimes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    plan = design()
    done = calibrate(
        RegimesExperiment(load_model("@regimes"), plan), arguments.work,
        replicates=arguments.replicates, place=Workplace(arguments.workers),
    )  # fmt: skip
    ranks, _ = calibration_checks(done)
    draw_curves(done, ranks.table, arguments.page.with_suffix(".svg"))
    text = page(plan, done, arguments.replicates)
    arguments.page.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0 if ranks.passed else 1


if __name__ == "__main__":
    sys.exit(main())
