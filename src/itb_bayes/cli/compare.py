"""``itb-bayes compare``: which of several fits predicts left-out patients best."""

from pathlib import Path

import typer


def compare(
    fits: list[Path] = typer.Argument(..., help="Two or more fits of the same cohort."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Compare fits by leave-one-patient-out expected log predictive density."""
    from dataclasses import asdict

    from itb_bayes.cli.checks import refuse_other_kinds
    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.evaluate.compare import compare_fits, sentence
    from itb_bayes.inference.machinery import load_fit

    fitted = tuple(load_fit(folder) for folder in fits)
    for folder, one in zip(fits, fitted, strict=True):
        refuse_other_kinds(one, folder, "comparison")
    rows = compare_fits(fitted)
    if as_json:
        print_json({"models": [asdict(row) for row in rows], "sentence": sentence(rows)})
        return
    print_table(
        ["model", "run", "elpd", "difference", "SE", "unreliable patients"],
        [
            [row.model, row.run, f"{row.elpd:.1f}", f"{row.difference:.1f}",
             f"{row.se_difference:.1f}", str(row.n_bad)]
            for row in rows
        ],
    )  # fmt: skip
    typer.echo("\n" + sentence(rows))
