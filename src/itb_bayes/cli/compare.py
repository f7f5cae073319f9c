"""``itb-bayes compare``: which of several fits predicts left-out patients, and futures, best."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from itb_bayes.evaluate.compare import ComparisonRow


def compare(
    fits: list[Path] = typer.Argument(..., help="Two or more fits of the same cohort."),
    after: float | None = typer.Option(
        None, "--after", min=0.0, help="Landmark (years since implant) of the second one [2]."
    ),
    refit: bool = typer.Option(
        False,
        "--refit",
        help="Leave out what came after the landmark of all patients at once: every model is "
        "sampled again on what came before.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Compare fits by expected log predictive density, in two ways.

    First every patient is left out whole; then only what came after a landmark, given the patient's
    records up to it. With --refit, the models see no other patient's later records either.
    """
    from dataclasses import asdict

    from itb_bayes.cli.checks import refuse_other_kinds
    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.evaluate.compare import compare_fits, sentence
    from itb_bayes.inference.machinery import load_fit

    fitted = tuple(load_fit(folder) for folder in fits)
    for folder, one in zip(fits, fitted, strict=True):
        refuse_other_kinds(one, folder, "comparison")
    rows = compare_fits(fitted)
    landmark = _LANDMARK_YEARS if after is None else after
    what = f"what came after year {landmark:g}"
    later, said_later = _futures(fitted, landmark, what, after is not None, refit)
    if as_json:
        future = {"after_years": landmark, "refit": refit, "models": [asdict(row) for row in later]}
        print_json(
            {
                "models": [asdict(row) for row in rows],
                "sentence": sentence(rows),
                "future": future | {"sentence": said_later},
            }
        )
        return
    typer.echo("Each patient left out:")
    print_table(_HEADER, _lines(rows))
    whose = "Of all patients at once" if refit else "Of each patient"
    typer.echo(f"\n{sentence(rows)}\n\n{whose}, {what} left out:")
    if later:
        print_table(_HEADER, _lines(later))
        typer.echo("")
    typer.echo(said_later)


def _futures(
    fitted: "tuple[Any, ...]", landmark: float, what: str, asked: bool, refit: bool
) -> "tuple[tuple[ComparisonRow, ...], str]":
    """Compare futures; a landmark that nobody asked for may turn out to suit no patient."""
    from itb_bayes.errors import UsageError
    from itb_bayes.evaluate.clinic_futures import compare_clinic_futures
    from itb_bayes.evaluate.compare import sentence
    from itb_bayes.evaluate.futures import compare_futures

    def say(text: str) -> None:
        typer.echo(text, err=True)

    try:
        if refit:
            rows = compare_clinic_futures(fitted, landmark, say)
        else:
            rows = compare_futures(fitted, landmark)
    except UsageError as error:
        if asked:
            raise
        return (), f"not computed: {error}"
    return rows, sentence(rows, what)


_LANDMARK_YEARS = 2.0
_HEADER = ["model", "run", "elpd", "difference", "SE", "unreliable patients"]


def _lines(rows: "tuple[ComparisonRow, ...]") -> list[list[str]]:
    return [
        [
            row.model,
            row.run,
            f"{row.elpd:.1f}",
            f"{row.difference:.1f}",
            f"{row.se_difference:.1f}",
            str(row.n_bad),
        ]
        for row in rows
    ]
