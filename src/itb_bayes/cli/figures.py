"""``itb-bayes figures``: the figures of a paper, with their source data."""

from pathlib import Path

import typer

app = typer.Typer(help="Figures for papers, with their source data.", no_args_is_help=True)


@app.command("list")
def list_figures(
    as_json: bool = typer.Option(False, "--json", help="The list as JSON."),
) -> None:
    """List the figures that can be made of each kind of fit."""
    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.report.paper_figures import FIGURES

    if as_json:
        print_json([{"name": f.name, "kind": f.kind, "title": f.title} for f in FIGURES])
        return
    print_table(["figure", "fit", "shows"], [[f.name, f.kind, f.title] for f in FIGURES])


@app.command("make")
def make(
    fit: Path = typer.Argument(..., help="Folder of a fit."),
    out: Path = typer.Option(..., "--out", help="Folder: new, empty, or of earlier figures."),
    only: list[str] = typer.Option([], "--only", help="Only this figure; repeatable."),
    width: str = typer.Option("double", "--width", help="single (85 mm) or double (174 mm)."),
    as_json: bool = typer.Option(False, "--json", help="Say what was made as one JSON object."),
) -> None:
    """Write each figure as PDF, SVG and PNG, with its source data as CSV beside it."""
    from itb_bayes.cli.output import print_json
    from itb_bayes.inference.machinery import load_patient_fit
    from itb_bayes.inference.progress import Progress
    from itb_bayes.report.paper_figures import make_figures

    fitted = load_patient_fit(fit)
    progress = Progress("figures", 0)

    def show(done: int, total: int) -> None:
        progress.total = total
        progress.update(done)

    written = make_figures(fitted, out, tuple(dict.fromkeys(only)), width=width, on_figure=show)
    progress.finish()
    if as_json:
        print_json({"folder": str(out), "synthetic": fitted.synthetic, "files": written})
        return
    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: every figure says so.")
    typer.echo(f"{len(written)} files in {out}; source data beside each figure.")
