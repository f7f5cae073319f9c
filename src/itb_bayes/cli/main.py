"""Entry point: assembles the commands and turns errors into messages and exit codes.

Nothing heavy is imported here or at module level of any ``itb_bayes.cli`` module, so that
``itb-bayes --help`` answers at once.
"""

import os
import sys
from typing import NoReturn

import typer

from itb_bayes import __version__
from itb_bayes.cli import data, figures, model
from itb_bayes.cli.calibrate import calibrate
from itb_bayes.cli.checklist import checklist
from itb_bayes.cli.checks import check, prior
from itb_bayes.cli.compare import compare
from itb_bayes.cli.demo import demo
from itb_bayes.cli.evaluate import evaluate
from itb_bayes.cli.federate import combine, release
from itb_bayes.cli.fit import fit
from itb_bayes.cli.literature import literature
from itb_bayes.cli.policy import simulate_policy
from itb_bayes.cli.report import report
from itb_bayes.cli.reproduce import reproduce
from itb_bayes.cli.risk import risk
from itb_bayes.cli.score import score
from itb_bayes.cli.simulate import simulate
from itb_bayes.errors import ItbBayesError

app = typer.Typer(
    name="itb-bayes",
    help="Bayesian models of long-term intrathecal baclofen dose trajectories.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data.app.command("simulate")(simulate)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.add_typer(figures.app, name="figures")
app.command("demo")(demo)
app.command("fit")(fit)
app.command("prior")(prior)
app.command("check")(check)
app.command("compare")(compare)
app.command("calibrate")(calibrate)
app.command("evaluate")(evaluate)
app.command("release")(release)
app.command("combine")(combine)
app.command("checklist")(checklist)
app.command("risk")(risk)
app.command("score")(score)
app.command("simulate")(simulate_policy)
app.command("report")(report)
app.command("literature")(literature)
app.command("reproduce")(reproduce)

INTERNAL_ERROR = 6


def _version(value: bool) -> None:
    if value:
        typer.echo(f"itb-bayes {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Research use only; not a medical device."""


def run() -> None:
    """Run the command line: the console script ``itb-bayes``."""
    try:
        app()
    except ItbBayesError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        _refuse_or_report(error)
    except Exception as error:  # a traceback could show patient values: none unless asked for
        _report_defect(error)


def _refuse_or_report(error: OSError) -> None:
    """Say what the system refused (a full disk, a folder that may not be read), and exit."""
    from itb_bayes.storage import disk_reason, is_refused_by_system

    if not is_refused_by_system(error):
        _report_defect(error)
    where = f": {error.filename}" if isinstance(error.filename, str) else ""
    typer.echo(f"error: {disk_reason(error)}{where}", err=True)
    sys.exit(ItbBayesError.exit_code)


def _report_defect(error: Exception) -> NoReturn:
    if os.environ.get("ITB_BAYES_DEBUG"):
        raise error
    typer.echo(
        f"internal error ({type(error).__name__}): this is a defect of itb-bayes, not of your "
        "data. Set ITB_BAYES_DEBUG=1 to see the traceback (it may show patient values), and "
        "report it without them.",
        err=True,
    )
    sys.exit(INTERNAL_ERROR)
