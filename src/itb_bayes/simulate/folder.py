"""Write a simulated cohort as a folder: tables, metadata, settings, a note, the truth."""

import shutil
import tempfile
from pathlib import Path

from itb_bayes.errors import UsageError
from itb_bayes.simulate.clinic import SimulatedCohort
from itb_bayes.simulate.records import COLUMNS
from itb_bayes.simulate.render import render_csv, render_toml
from itb_bayes.simulate.truth import TRUTH_COLUMNS
from itb_bayes.storage import disk_reason


def render_files(cohort: SimulatedCohort) -> dict[str, str]:
    """Return the text of every file of the folder, by relative path."""
    part = cohort.settings.cohort
    # One clock per cohort, in the tables without rows too.
    other_clock = "t_years" if part.time_basis == "date" else "date"
    files = {
        f"{name}.csv": render_csv(rows, [c for c in COLUMNS[name] if c != other_clock])
        for name, rows in cohort.tables.items()
    }
    files["cohort.toml"] = render_toml(
        {"name": part.name, "description": part.description, "synthetic": True}
    )
    files["settings.toml"] = (
        f"# Resolved settings of the synthetic cohort {part.name}; remake it with\n"
        "#   itb-bayes data simulate settings.toml --out DIR\n\n"
        + render_toml(cohort.settings.model_dump(mode="json", exclude_none=True))
    )
    files["README.md"] = _readme(cohort)
    for name, rows in cohort.truth.items():
        files[f"truth/{name}.csv"] = render_csv(rows, TRUTH_COLUMNS[name])
    return files


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a target that is a file, or a folder that holds something (unless forced).

    Raises
    ------
    UsageError
        With what is in the way and the mend.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; give the name of a folder.")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not force:
        raise UsageError(f"--out {out} is not empty; choose another folder or add --force.")
    # Only a cohort this command made may be replaced: --force is no licence to delete.
    note = out / "cohort.toml"
    if not note.is_file() or "synthetic = true" not in note.read_text(
        encoding="utf-8", errors="replace"
    ):
        raise UsageError(
            f"--out {out} does not hold a synthetic cohort, so --force will not replace it; "
            "choose another folder."
        )


def write_cohort(cohort: SimulatedCohort, out: Path, *, force: bool = False) -> list[str]:
    """Write the folder whole or not at all; return the relative paths written.

    Raises
    ------
    UsageError
        If the target is in the way or cannot be written.
    """
    check_target(out, force=force)
    files = render_files(cohort)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {disk_reason(error)}.") from error
    try:
        for relative, text in files.items():
            path = building / relative
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        building.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        building.replace(out)
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {disk_reason(error)}.") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return sorted(files)


def _readme(cohort: SimulatedCohort) -> str:
    part, tables = cohort.settings.cohort, cohort.tables
    counts = "\n".join(f"| {name}.csv | {len(rows)} |" for name, rows in tables.items())
    years = sum(float(row["t_exit"] or 0) for row in cohort.truth["patients"])
    return f"""# {part.name}: a synthetic cohort

**No patient is in here.** Every row was made by the agent-based clinic of itb-bayes
(`itb_bayes.simulate`), from the figures in `settings.toml`, each with its source.

{part.description}

## How it was made

{part.how_made}

The clinic is not one of the models the package fits: requirement, device, tone, raters and
clinicians are agents of their own, and the clinician sets the dose on what was measured.
The same settings and seed ({part.seed.value}) give the same bytes:

    itb-bayes data simulate settings.toml --out DIR

## What is in it

| table | rows |
|---|---|
{counts}

{len(tables["patients"])} patients, {years:.0f} patient-years. While a pump is out (`explant` to
`reimplant`) or a drug holiday lasts (`holiday_start` to `holiday_end`) no drug flows and no
dose row is written.

## The truth

`truth/` holds what no clinic could know, for judging a method; no fit reads it. Times are
years since implant.

- `patients.csv`: drift (log dose per year, disease steps and tolerance apart), requirement at
  one year (ug/day), tone without drug (0-4 scale).
- `regimes.csv`: every trigger, progression, improvement, tolerance, catheter fault, pump fault
  and pause: onset, end and how it ended, when the clinic put a name to it (empty: never), size
  in log dose, share delivered when complete.
- `requirement.csv`: monthly; the daily dose that would hold tone at the target (tolerance
  included, triggers not), the share of the programmed dose delivered, the programmed dose.
"""
