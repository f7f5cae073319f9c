"""``itb-bayes report``: one page per patient, and the list of all patients."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

FEW = 5
"""So few pages are listed one by one, so that a page asked for is found without the list."""

NAMED = "The pages name patients; keep them as you keep the records they come from."

if TYPE_CHECKING:
    import datetime

    from itb_bayes.inference.progress import Progress
    from itb_bayes.report.index_document import IndexDocument
    from itb_bayes.report.writing import WrittenReport


def report(
    fit: Path = typer.Argument(..., help="Folder of a fit."),
    out: Path = typer.Option(..., "--out", help="Folder for the pages: new, empty or a report's."),
    patient: list[str] = typer.Option(
        [], "--patient", help="Only this patient; may be given several times."
    ),
    allow_unconverged: bool = typer.Option(
        False, "--allow-unconverged", help="Make watermarked pages of a fit that failed its gate."
    ),
    cohort: Path | None = typer.Option(
        None,
        "--cohort",
        help="Pages of this cohort's patients, whom the fit has not seen (regimes fits). A cohort "
        "in parts gets a folder of pages for each part, and one list of whom to look at first.",
    ),
    refit: bool = typer.Option(
        False,
        "--refit",
        help="Patients of --cohort whom the draws of the fit do not foretell: move the draws to "
        "them (seconds), or sample with them (minutes to hours); else their pages have no numbers.",
    ),
    threshold: float = typer.Option(
        20.0, "--threshold", help="In 100: from here on the list counts a patient as to look at."
    ),
    since: Path | None = typer.Option(
        None, "--since", help="Folder of an earlier report of the same model: say what changed."
    ),
    also: list[str] = typer.Option(
        [], "--also", help="Beside the pages: pdf, csv, fhir-r4b, fhir-r5 or cds; repeatable."
    ),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        help="Day (YYYY-MM-DD) or years since implant: records that ended more than a year before "
        "give pages without numbers. Default: the last day of record of --cohort or --dates; for a "
        "cohort in parts, whose last day no part knows, every record's own end.",
    ),
    dates: Path | None = typer.Option(
        None, "--dates", help="The cohort that was fitted, for its dates: fits hold none."
    ),
    date: str | None = typer.Option(
        None,
        "--date",
        help="Day in FHIR (YYYY-MM-DD): of the as-of time or, without a calendar, to which the "
        "records run. Default: the day of --as-of.",
    ),
    workers: int | None = typer.Option(
        None,
        "--workers",
        help="Processes that draw many pages, or PDF; default: one per core. For a cohort in "
        "parts, local Dask workers; default 0: this process.",
    ),
    scheduler: str = typer.Option(
        "", "--scheduler", help="Address of a Dask scheduler, for a cohort in parts."
    ),
    as_json: bool = typer.Option(False, "--json", help="Say what was made as one JSON object."),
) -> None:
    """Write one self-contained page per patient, and an index: whom to look at first on top.

    A cohort in parts (`data partition`, `data simulate --patients-per-part`) is reported part by
    part; run again after an interrupt, it goes on.
    """
    import datetime

    from itb_bayes.cli.report_parts import make_parts_report, refuse_for_parts
    from itb_bayes.cli.score import say_refit
    from itb_bayes.cohort.asof import parse_as_of
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.cohort.partitions import is_partitioned
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.machinery import load_patient_fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.inference.threads import available_cores
    from itb_bayes.report.exports import Exports
    from itb_bayes.report.writing import write_report
    from itb_bayes.risk.refit import Refit

    when, day = parse_as_of(as_of), parse_day(date)
    if day is None and isinstance(when, datetime.date):
        day = when
    exports = Exports(
        tuple(dict.fromkeys(also)), day, available_cores() if workers is None else workers
    )
    if not 0.0 < threshold < 100.0:
        raise UsageError("--threshold is a chance in 100: above 0 and below 100.")
    in_parts = cohort is not None and is_partitioned(cohort)
    if scheduler and not in_parts:
        raise UsageError(
            "--scheduler is for a cohort in parts: make one with `itb-bayes data partition COHORT "
            "--out DIR` and name it with --cohort, or leave --scheduler out."
        )
    if refit and cohort is None:
        raise UsageError(
            "--refit is for patients that the fit has not seen: name theirs with --cohort, or "
            "leave it out."
        )
    if cohort is not None and in_parts:
        refuse_for_parts(cohort, tuple(patient), since, dates, refit=refit)
        place = (workers or 0, scheduler)
        make_parts_report(
            load_patient_fit(fit), cohort, out, (threshold / 100.0, exports, when), place,
            allow_unconverged, as_json,
        )  # fmt: skip
        return
    fitted = load_patient_fit(fit)
    phases = Phases()
    fallback = None
    if refit and isinstance(fitted, RegimesFit):  # others have no pages of such patients
        fallback = Refit(fitted, say_refit)
    made = write_report(
        fitted, out, tuple(patient), allow_unconverged=allow_unconverged,
        threshold=threshold / 100.0, since=since, exports=exports,
        unseen=None if cohort is None else Cohort.read(cohort), as_of=when,
        dates=None if dates is None else Cohort.read(dates), fallback=fallback,
        on_progress=phases.show,
    )  # fmt: skip
    phases.finish()
    if as_json:
        from itb_bayes.cli.output import print_json

        print_json(made_json(made))
    else:
        _show(made)


class Phases:
    """Shows the progress of one phase after another."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def show(self, phase: str, done: int, total: int) -> None:
        """Show what is done of a phase."""
        from itb_bayes.inference.progress import Progress

        if self._progress is None or self._progress.label != phase:
            self.finish()
            self._progress = Progress(phase, total)
        self._progress.total = total
        self._progress.update(done)

    def finish(self) -> None:
        """End the line of the last phase."""
        if self._progress is not None:
            self._progress.finish()


def parse_day(text: str | None) -> "datetime.date | None":
    """Return a day given as YYYY-MM-DD.

    Raises
    ------
    UsageError
        If it is none.
    """
    import datetime

    from itb_bayes.errors import UsageError

    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--date {text!r} is no day; write it as 2026-03-31.") from None


def say_standing(index: "IndexDocument") -> None:
    """Say where a list's patients are simulated, or its numbers are not to be used."""
    if index.provenance.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not index.gate.passed:
        typer.echo("GATE NOT PASSED: every page is watermarked; the numbers are not to be used.")


def _show(made: "WrittenReport") -> None:
    index = made.index
    say_standing(index)
    n = len(index.patients)
    without = sum(row.chance is None for row in index.patients)
    typer.echo(
        f"{made.folder / 'index.html'}: {n} {'patient' if n == 1 else 'patients'}, {without} not "
        "estimated. Beside each page lies its document as JSON."
    )
    if made.n_removed:
        typer.echo(
            f"Removed from there: {made.n_removed} {'page' if made.n_removed == 1 else 'pages'} of "
            "an earlier report that are not part of this one."
        )
    if n <= FEW:
        for row in index.patients:
            typer.echo(f"{made.folder / row.page_id}.html")
    typer.echo(NAMED)


def made_json(made: "WrittenReport") -> dict[str, Any]:
    """Return what was made, for machines."""
    index = made.index
    return {
        "folder": str(made.folder),
        "index": "index.html",
        "run": index.provenance.run_id,
        "synthetic": index.provenance.synthetic,
        "gate_passed": index.gate.passed,
        "n_patients": len(index.patients),
        "n_not_estimated": sum(row.chance is None for row in index.patients),
        "n_removed": made.n_removed,
        "pages": [
            {"patient_id": row.patient_id, "page": f"{row.page_id}.html", "status": row.status}
            for row in index.patients
        ],
    }
