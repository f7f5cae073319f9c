"""``itb-bayes checklist``: reporting checklists and model card, filled from a fit."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from itb_bayes.report.checklist_facts import Evidence


def checklist(
    fit: Path = typer.Argument(..., help="Folder of a fit."),
    which: str = typer.Option("all", "--which", help="barg, tripod, card or all."),
    checks: Path | None = typer.Option(
        None, "--checks", help="Folder that `check` wrote; default <FIT>-checks if there."
    ),
    evaluation: Path | None = typer.Option(
        None, "--evaluation", help="Folder that `evaluate` wrote."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Print reporting checklists (BARG, TRIPOD+AI) and a model card, filled from a fit.

    What only the authors can know stays blank and says so. Markdown, for the methods appendix.
    """
    from itb_bayes.cli.checks import refuse_other_kinds
    from itb_bayes.cli.output import print_json
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.report.checklist_facts import facts_of
    from itb_bayes.report.checklist_items import CHECKLISTS
    from itb_bayes.report.checklists import checklist_json, render_checklist

    if which != "all" and which not in CHECKLISTS:
        raise UsageError(f"no checklist {which!r}; choose one of {', '.join(CHECKLISTS)}, all.")
    fitted = load_fit(fit)
    refuse_other_kinds(fitted, fit, "checklist")
    beside = fit.resolve().with_name(f"{fit.resolve().name}-checks")
    if checks is None and (beside / "checks.json").is_file():
        checks = beside
    facts = facts_of(
        fitted,
        _evidence(checks, "checks") if checks is not None else None,
        _evidence(evaluation, "evaluation") if evaluation is not None else None,
    )
    names = list(CHECKLISTS) if which == "all" else [which]
    if as_json:
        found = {name: checklist_json(name, facts) for name in names}
        print_json({"synthetic": fitted.synthetic, "run": fitted.run_id, **found})
        return
    heading = (
        f"Model {fitted.spec.name} {fitted.spec.version} on cohort {fitted.manifest['cohort']}, "
        f"run {fitted.run_id}."
    )
    if fitted.synthetic:
        heading = f"SYNTHETIC DATA: these patients are simulated. {heading}"
    typer.echo("\n".join(render_checklist(name, facts, heading) for name in names), nl=False)


def _evidence(folder: Path, stem: str) -> "Evidence":
    from itb_bayes.errors import UsageError
    from itb_bayes.report.checklist_facts import Evidence

    path = folder / f"{stem}.json"
    try:
        return Evidence.of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is not what `itb-bayes {stem.removesuffix('s').replace('ation', 'ate')}` "
            "writes; name its folder."
        ) from None
