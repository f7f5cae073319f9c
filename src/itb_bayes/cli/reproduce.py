"""``itb-bayes reproduce``: the source papers beside the posterior, line by line."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from itb_bayes.reproduce.account import Account
    from itb_bayes.reproduce.fits import Fitter

KNOWN = ("skoog-hedman-2019", "kawano-2018", "conflicts")


def reproduce(
    what: list[str] | None = typer.Argument(
        None, help="skoog-hedman-2019, kawano-2018, conflicts; or --all."
    ),
    every: bool = typer.Option(False, "--all", help="All of them."),
    out: Path = typer.Option(
        Path("reproduction"), "--out", help="Folder for pages, tables, figures and fits."
    ),
    profile: str = typer.Option("standard", "--profile", help="quick, standard or paper."),
    seed: int = typer.Option(1, "--seed", help="Everything random derives from it."),
    regimes: Path | None = typer.Option(
        None, "--regimes", help="A fit of @regimes, to attribute Kawano's fluctuating patients."
    ),
    force: bool = typer.Option(False, "--force", help="Replace an earlier reproduction there."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Fit what the papers analysed on their synthetic cohorts; paper beside posterior.

    Prints every line of the papers beside its posterior, and what cannot be reproduced, and writes
    pages, tables and figures. The same command gives the same bytes.
    """
    from itb_bayes.cli.output import print_json
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.reproduce.fits import Fitter
    from itb_bayes.reproduce.writing import write_account

    names = list(KNOWN) if every else list(what or [])
    if not names or (every and what):
        raise UsageError(f"name what to reproduce ({', '.join(KNOWN)}), or say --all.")
    for name in names:
        if name not in KNOWN:
            raise UsageError(f"nothing called {name!r} can be reproduced; {', '.join(KNOWN)} can.")
    if regimes is not None and "kawano-2018" not in names:
        raise UsageError("--regimes is for kawano-2018.")
    prepare(out, force)
    fitter = Fitter(out / "fits", profile_settings(profile, seed=seed), quiet)
    makers = _makers(regimes)
    accounts = []
    for name in dict.fromkeys(names):
        account = makers[name](fitter)
        written = write_account(account, out)
        accounts.append(_as_json(account, written))
        if not as_json:
            _show(account, written[0])
    if as_json:
        print_json({"reproductions": accounts})


def _makers(regimes: Path | None) -> "dict[str, Callable[[Fitter], Account]]":
    from itb_bayes.reproduce.conflicts import reproduce_conflicts
    from itb_bayes.reproduce.kawano import reproduce_kawano
    from itb_bayes.reproduce.skoog import reproduce_skoog

    return {
        "skoog-hedman-2019": reproduce_skoog,
        "kawano-2018": lambda fitter: reproduce_kawano(fitter, regimes),
        "conflicts": reproduce_conflicts,
    }


def prepare(out: Path, force: bool) -> None:
    """Make the folder, or refuse one that holds something else than a reproduction."""
    from itb_bayes.errors import UsageError

    mark = out / ".itb-bayes-reproduction"
    if out.exists() and any(out.iterdir()) and not (force and mark.exists()):
        remedy = ", or add --force to replace it" if mark.exists() else ""
        raise UsageError(f"{out} is not empty; choose another --out{remedy}.")
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _show(account: "Account", page: Path) -> None:
    from itb_bayes.cli.output import print_table

    typer.echo(f"\n{account.title.upper()}")
    if account.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    for table in account.tables:
        typer.echo(f"\n{table.title}")
        print_table(list(table.header), [list(row) for row in table.rows])
    typer.echo("\nWhat cannot be reproduced from what is published:")
    for line in account.cannot:
        typer.echo(f"  - {line}")
    typer.echo(f"\nwritten to {page}, with tables and figures beside it")


def _as_json(account: "Account", written: list[Path]) -> dict[str, object]:
    return {
        "key": account.key,
        "synthetic": account.synthetic,
        "tables": {
            table.key: [dict(zip(table.header, row, strict=True)) for row in table.rows]
            for table in account.tables
        },
        "cannot": list(account.cannot),
        "provenance": dict(account.provenance),
        "files": [str(path) for path in written],
    }
