"""``itb-bayes model``: list, explain, check, compare and show model files."""

import json

import typer

app = typer.Typer(help="List, explain, check and compare model files.", no_args_is_help=True)

INVALID = 3
_MODEL_HELP = "A model file, or @name of a shipped model."
_JSON = typer.Option(False, "--json", help="Print JSON.")
_MODEL = typer.Argument(..., metavar="MODEL", help=_MODEL_HELP)


@app.command("list")
def list_models(as_json: bool = _JSON) -> None:
    """List the shipped models."""
    from itb_bayes.spec import load_model, shipped_models

    specs = [load_model(f"@{name}") for name in shipped_models()]
    if as_json:
        rows = [
            {"name": f"@{s.name}", "kind": s.kind, "version": s.version, "title": s.title}
            | {"extends": list(s.extends), "digest": s.digest}
            for s in specs
        ]
        _print_json(rows)
        return
    width = max(len(spec.name) for spec in specs) + 1
    for spec in specs:
        typer.echo(f"{'@' + spec.name:<{width}}  {spec.version:<5}  {spec.title}")


@app.command("explain")
def explain_model(model: str = _MODEL, as_json: bool = _JSON) -> None:
    """Explain a model: equations, priors in clinical units, and the data each term needs."""
    from itb_bayes.spec import explain, load_model

    explanation = explain(load_model(model))
    if as_json:
        _print_json(explanation.data)
    else:
        typer.echo(explanation.text, nl=False)


@app.command("check")
def check(model: str = _MODEL, as_json: bool = _JSON) -> None:
    """Check a model file; exit code 3 when it has problems."""
    from dataclasses import asdict

    from itb_bayes.spec import check_model

    result = check_model(model)
    if as_json:
        _print_json({"ok": result.ok, **asdict(result)})
    elif result.ok:
        typer.echo(f"ok: {result.name} (digest {result.digest})")
    else:
        for problem in result.problems:
            typer.echo(str(problem))
        count = len(result.problems)
        typer.echo(f"{count} problem{'' if count == 1 else 's'} in {model}", err=True)
    if not result.ok:
        raise typer.Exit(INVALID)


@app.command("diff")
def diff(
    a: str = typer.Argument(..., metavar="A", help=_MODEL_HELP),
    b: str = typer.Argument(..., metavar="B", help=_MODEL_HELP),
    as_json: bool = _JSON,
) -> None:
    """Show what differs between two models: terms, and priors in clinical units."""
    from dataclasses import asdict

    from itb_bayes.spec import diff_models, load_model

    result = diff_models(load_model(a), load_model(b))
    if as_json:
        _print_json({"same": not result.differences, **asdict(result)})
    else:
        typer.echo(str(result), nl=False)


@app.command("show")
def show(model: str = _MODEL, as_json: bool = _JSON) -> None:
    """Print a model as one file that extends no other (TOML; with --json all resolved)."""
    from itb_bayes.spec import load_model, model_toml

    spec = load_model(model)
    if as_json:
        _print_json(spec.canonical())
    else:
        typer.echo(model_toml(spec), nl=False)


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
