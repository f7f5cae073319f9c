"""``itb-bayes simulate``: the cohort's dose under another titration policy."""

from pathlib import Path

import typer

_PREFIX = "stop-at-"


def simulate_policy(
    fit: Path = typer.Argument(..., help="Folder of a regimes fit."),
    policy: str = typer.Option(
        "stop-at-1", "--policy", help="stop-at-POINTS: no raise at a reading at or below it."
    ),
    years: list[float] = typer.Option(
        [1.0, 3.0, 5.0], "--years", help="Years from the last records; may be given several times."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    allow_unconverged: bool = typer.Option(
        False, "--allow-unconverged", help="Print numbers of a fit that failed its gate, marked."
    ),
) -> None:
    """Compare the clinic's fitted titration habit with a stop rule (Kawano 2018: stop at 1)."""
    from dataclasses import asdict

    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.errors import ModelError, UsageError
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.policy import compare_policy

    try:
        stop_at = float(policy.removeprefix(_PREFIX)) if policy.startswith(_PREFIX) else -1.0
    except ValueError:
        stop_at = -1.0
    if not 0.0 <= stop_at <= 4.0:
        raise UsageError(
            f"no policy {policy!r}; say stop-at- and points of the 0-4 scale, such as stop-at-1."
        )
    if not years or not all(0.1 <= year <= 20.0 for year in years):
        raise UsageError("--years must lie between 0.1 and 20.")
    fitted = load_fit(fit)
    if not isinstance(fitted, RegimesFit):
        raise ModelError(
            f"{fit} is a fit of kind {fitted.spec.kind!r}; `simulate` needs one of kind 'regimes'."
        )
    passed = fitted.require_gate(allow_unconverged)
    found = compare_policy(fitted, stop_at, tuple(years))
    if as_json:
        print_json(
            {
                "run": fitted.manifest["run"],
                "synthetic": fitted.synthetic,
                "gate_passed": passed,
                "stop_at_points": stop_at,
                "n_patient": fitted.plan.n_patient,
                "years": [asdict(year) for year in found],
            }
        )
        return
    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not passed:
        typer.echo("GATE NOT PASSED: these numbers are not to be used.")
    typer.echo(
        f"Mean dose of the {fitted.plan.n_patient} fitted patients, by the clinics' habit and if "
        f"no dose were raised\nat a mean Ashworth of {stop_at:g} or below:\n"
    )
    rows = []
    for year in found:
        a, b, d = year.habit_ug, year.policy_ug, year.difference_percent
        rows.append(
            [
                f"{year.years:g}",
                f"{a.median:.0f} ({a.q05:.0f} to {a.q95:.0f})",
                f"{b.median:.0f} ({b.q05:.0f} to {b.q95:.0f})",
                f"{d.median:+.1f} ({d.q05:+.1f} to {d.q95:+.1f})",
                f"{year.p_lower:.2f}",
            ]
        )
    print_table(
        ["years on", "habit, µg/day", f"{policy}, µg/day", "difference, %", "P(lower)"], rows
    )
    typer.echo("\nRanges: 90 %. The patients' course and devices are simulated from the fit.")
