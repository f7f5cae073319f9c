"""``itb-bayes report``: one page per patient, and the list of all patients."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
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
    as_json: bool = typer.Option(False, "--json", help="Say what was made as one JSON object."),
) -> None:
    """Write one self-contained page per patient, and an index: whom to look at first on top."""
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.progress import Progress
    from itb_bayes.report.writing import write_report

    fitted = Fit.load(fit)
    progress = Progress("patients", fitted.plan.n_patient)

    def show(done: int, total: int) -> None:
        nonlocal progress
        if done == 0:
            progress.finish()
            progress = Progress("pages", total)
        progress.update(done)

    made = write_report(
        fitted, out, tuple(patient), allow_unconverged=allow_unconverged, on_page=show
    )
    progress.finish()
    if as_json:
        from itb_bayes.cli.output import print_json

        print_json(made_json(made))
    else:
        _show(made)


def _show(made: "WrittenReport") -> None:
    index = made.index
    if index.provenance.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not index.gate.passed:
        typer.echo("GATE NOT PASSED: every page is watermarked; the numbers are not to be used.")
    n = len(index.patients)
    without = sum(row.risk is None for row in index.patients)
    typer.echo(
        f"{made.folder / 'index.html'}: {n} {'patient' if n == 1 else 'patients'}, {without} not "
        "estimated. Beside each page lies its document as JSON."
    )
    typer.echo("The pages name patients; keep them as you keep the records they come from.")


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
        "n_not_estimated": sum(row.risk is None for row in index.patients),
        "pages": [
            {"patient_id": row.patient_id, "page": f"{row.page_id}.html", "status": row.status}
            for row in index.patients
        ],
    }
