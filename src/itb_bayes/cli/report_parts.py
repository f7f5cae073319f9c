"""``itb-bayes report`` of a cohort in parts."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from itb_bayes.cohort.asof import AsOf
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.registry.reporting import RegistryReport
    from itb_bayes.report.exports import Exports


def refuse_for_parts(
    cohort: Path, patients: tuple[str, ...], since: Path | None, dates: Path | None, *, refit: bool
) -> None:
    """Refuse options that a cohort in parts does not take, before the fit is read.

    Raises
    ------
    UsageError
        If one was given.
    """
    from itb_bayes.cohort.partitions import Partitions, part_name
    from itb_bayes.errors import UsageError

    if patients:
        number = Partitions.open(cohort).find(patients[0])
        where = "no part holds this patient; identifiers are compared exactly"
        if number is not None:
            where = f"their part is a cohort of its own: --cohort {cohort / part_name(number)}"
        raise UsageError(
            f"--patient {patients[0]!r} with a cohort in parts: {where}. Give it another --out."
        )
    if refit:
        raise UsageError(
            "--refit is for cohorts that are reported at once: report a part by itself (--cohort "
            "DIR/part-00000), or leave it out."
        )
    if since is not None:
        raise UsageError(
            "--since is for cohorts that are reported at once: report a part by itself (--cohort "
            "DIR/part-00000 --since REPORT/part-00000), or leave it out."
        )
    if dates is not None:
        raise UsageError(
            "--dates gives the calendar of the fitted patients, --cohort other patients, whose "
            "dates it holds already: leave --dates out."
        )


def make_parts_report(
    fitted: "Fit | RegimesFit",
    cohort: Path,
    out: Path,
    asked: "tuple[float, Exports, AsOf | None]",
    place: tuple[int, str],
    allow_unconverged: bool,
    as_json: bool,
) -> None:
    """Write the pages of a cohort in parts, and say what was made.

    Raises
    ------
    UsageError
        If the fit is one of doses only.
    """
    from itb_bayes.cli.report import Phases
    from itb_bayes.cohort.partitions import Partitions
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.registry.reporting import ReportRequest, report_registry
    from itb_bayes.report.writing import explaining

    phases = Phases()
    made = report_registry(
        explaining(fitted), Partitions.open(cohort), out, ReportRequest(*asked),
        allow_unconverged=allow_unconverged, place=Workplace(*place), on_progress=phases.show,
    )  # fmt: skip
    phases.finish()
    if as_json:
        from itb_bayes.cli.output import print_json

        print_json(_made_json(made))
    else:
        _show(made, dated=asked[2] is not None)


def _show(made: "RegistryReport", *, dated: bool) -> None:
    from itb_bayes.cli.report import NAMED, say_standing

    index = made.index
    say_standing(index.listed)
    typer.echo(
        f"{made.folder / 'index.html'}: {index.n_patients} patients, {index.n_not_estimated} not "
        f"estimated, in {len(index.parts)} parts, {made.written_now} of them written now. It lists "
        f"the first {len(index.listed.patients)}; every part has its own list."
    )
    if not dated:
        typer.echo(
            "Each patient is as of their own last record, however old; with --as-of DAY those "
            "whose record ended a year before get no numbers."
        )
    typer.echo(NAMED)


def _made_json(made: "RegistryReport") -> dict[str, object]:
    index = made.index
    return {
        "folder": str(made.folder),
        "index": "index.html",
        "run": index.listed.provenance.run_id,
        "synthetic": index.listed.provenance.synthetic,
        "gate_passed": index.listed.gate.passed,
        "n_patients": index.n_patients,
        "n_not_estimated": index.n_not_estimated,
        "parts": len(index.parts),
        "parts_written_now": made.written_now,
    }
