"""A whole registry of 100,000 patients simulated and scored on two cores.

usage: python benchmarks/registry_whole.py FIT [--patients 100000] [--per-part 200]
       [--draws-per-chain 50] [--work FOLDER] [--out docs/results]

FIT is a fit of ``@regimes``. Writes ``registry-whole.md``; progress goes to stderr. Nothing is
extrapolated: what ``registry_scale.py`` foretells is carried out here, with fewer draws.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from measured import Run, measured
from peers.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
CHAINS = 4


@dataclass(frozen=True)
class Found:
    """What lies in the folder of scores."""

    estimated: int
    rows: int
    mb: float


def look(folder: Path, n: int) -> Found:
    """Count what was scored, a part at a time; stop unless every patient is there once."""
    files = sorted(folder.glob("*.parquet"))
    ids: set[str] = set()
    estimated = rows = 0
    for file in files:
        part = pq.read_table(file).to_pandas()
        rows += len(part)
        present = part[part["quantity"] == "present"]
        here = set(part["patient_id"])
        if ids & here:
            raise SystemExit(f"{file.name}: patients of another part")
        ids |= here
        chances = present.groupby("patient_id")["probability"]
        sums = chances.sum(min_count=1).dropna()
        if not sums.between(1 - 1e-6, 1 + 1e-6).all():
            raise SystemExit(f"{file.name}: chances that do not sum to one")
        estimated += len(sums)
    if len(ids) != n:
        raise SystemExit(f"{len(ids)} patients have scores, {n} were asked for")
    return Found(estimated, rows, sum(file.stat().st_size for file in files) / 1e6)


def page(
    options: argparse.Namespace, made: Run, scored: Run, found: Found, visits: int, mb: float
) -> str:
    """Return the result page."""
    machine, n = describe_machine(), options.patients
    draws = CHAINS * options.draws_per_chain

    def line(what: str, run: Run) -> str:
        return (
            f"| {what} | {n:,} | {run.wall_s / 60:.1f} | {run.cpu_s / 60:.1f} | "
            f"{n / run.wall_s:.0f} | {run.peak_mb:.0f} |"
        )

    return "\n".join(
        [
            f"# A registry of {n:,} patients",
            "",
            f"SYNTHETIC patients of `clinic-small`, in {n // options.per_part:,} parts of "
            f"{options.per_part}, scored at their last visit by a fit of `@regimes` with {draws} "
            f"posterior draws, on {WORKERS} Dask workers. All of them were run.",
            "",
            "```console",
            f"python benchmarks/registry_whole.py FIT --patients {n} --per-part {options.per_part} "
            f"--draws-per-chain {options.draws_per_chain}",
            "```",
            "",
            "| | patients | on the clock, min | processor time, min | patients a second "
            "| peak memory of all processes, MB |",
            "|---|--:|--:|--:|--:|--:|",
            line("simulate in parts", made),
            line("score", scored),
            "",
            f"{machine['processor']}, {machine['cores']} cores, shared with other work: processor "
            "time is the figure to compare, the clock is not. Memory counts the command, its two "
            "workers and their watcher, shared pages once.",
            "",
            f"A patient costs {1000 * scored.cpu_s / n:.0f} ms of processor time. The records are "
            f"{visits:,} rows in {mb:.0f} MB of Parquet, the scores {found.rows:,} rows in "
            f"{found.mb:.0f} MB. Every patient has scores once, and {found.estimated:,} have chances, "
            "which sum to one; the others are told why not: a record that is too short, one that ended "
            "long before, or a patient whom no draw covers (`score --refit`). Patients whom the first "
            f"{draws} draws do not cover are scored by all draws of the fit, which is in the time. How "
            "far fewer draws are from many is measured in [registry scale](registry-scale.md).",
            "",
        ]
    )


def main() -> None:
    """Simulate, score, look at what was written, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fit", type=Path)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--per-part", type=int, default=200)
    parser.add_argument("--draws-per-chain", type=int, default=50)
    parser.add_argument("--work", type=Path, help="kept; a temporary folder if left out")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        cohort, scores = work / "cohort", work / "scores"
        made = measured(
            "data", "simulate", "clinic-small", "--patients", str(options.patients),
            "--patients-per-part", str(options.per_part), "--out", str(cohort),
            "--workers", str(WORKERS),
        )  # fmt: skip
        sys.stderr.write(f"simulated: {made}\n")
        scored = measured(
            "score", str(options.fit), str(cohort), "--out", str(scores), "--quiet",
            "--draws-per-chain", str(options.draws_per_chain), "--workers", str(WORKERS),
        )  # fmt: skip
        sys.stderr.write(f"scored: {scored}\n")
        found = look(scores, options.patients)
        records = sorted(cohort.rglob("*.parquet"))
        visits = sum(ds.dataset(file).count_rows() for file in records)
        mb = sum(file.stat().st_size for file in records) / 1e6
        text = page(options, made, scored, found, visits, mb)
    (options.out / "registry-whole.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
