"""``itb-bayes risk``: each patient's drift, forecast and probability of a large rise."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from itb_bayes.cohort.asof import AsOf
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.patient import PatientSummary

FORMATS = ("table", "csv", "json")


def risk(
    fit: Path = typer.Argument(..., help="Folder of a fit."),
    horizon: list[float] = typer.Option(
        [12.0], "--horizon", help="Months after the last reading; may be given several times."
    ),
    output: str = typer.Option("table", "--format", help="table, csv (long risk rows) or json."),
    patient: str | None = typer.Option(
        None, "--patient", help="Evidence and next tests for one patient (regimes fits)."
    ),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        help="Day (YYYY-MM-DD) or years since implant: records that ended more than a year before "
        "give no numbers. Default: the last day of record of --dates.",
    ),
    dates: Path | None = typer.Option(
        None, "--dates", help="The cohort that was fitted, for its dates: fits hold none."
    ),
    as_json: bool = typer.Option(False, "--json", help="Same as --format json."),
    allow_unconverged: bool = typer.Option(
        False, "--allow-unconverged", help="Print numbers of a fit that failed its gate, marked."
    ),
) -> None:
    """Print per patient the drift, the forecast dose and P(dose rises by more than 100 µg/day)."""
    from itb_bayes.cohort.asof import parse_as_of
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.machinery import load_patient_fit
    from itb_bayes.risk.patient import summarise_patients

    if as_json:
        output = "json"
    if output not in FORMATS:
        raise UsageError(f"no format {output!r}; choose one of {', '.join(FORMATS)}.")
    horizons = tuple(sorted(set(horizon)))
    if not all(0.1 <= h <= 60.0 for h in horizons):
        raise UsageError("--horizon must lie between 0.1 and 60 months.")
    when = parse_as_of(as_of)
    fitted = load_patient_fit(fit)
    passed = fitted.require_gate(allow_unconverged)
    if not passed:
        typer.echo("GATE NOT PASSED: these numbers are not to be used.", err=True)
    until = _until(fitted, when, dates)
    if not isinstance(fitted, Fit):
        from itb_bayes.cli.explanations import print_evidence, print_risk

        if patient is not None and output != "table":
            raise UsageError("--patient prints tables for people; leave --format and --json out.")
        if patient is None:
            print_risk(fitted, horizons, output, until)
        else:
            print_evidence(fitted, patient, until)
        return
    if patient is not None:
        raise UsageError("--patient shows the evidence of regimes fits; this is a drift fit.")
    summaries = summarise_patients(fitted, horizons, until)
    if output == "csv":
        from itb_bayes.risk.table import risk_table

        table = risk_table(fitted, summaries)
        if not passed:
            table["status"] = "GATE NOT PASSED"
        table.to_csv(sys.stdout, index=False, float_format="%.6g", lineterminator="\n")
    elif output == "json":
        from itb_bayes.cli.output import print_json

        print_json(risk_json(fitted, summaries))
    else:
        show_risk(fitted, summaries)


def _until(fitted: "Fit | RegimesFit", when: "AsOf | None", dates: Path | None) -> dict[str, float]:
    """Return the as-of time of the fitted patients; none where it is neither asked nor known."""
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.risk.as_of import as_of_times, patients_of, refuse_later_records

    calendar = None if dates is None else Cohort.read(dates)
    until = as_of_times(fitted, None, calendar, when)
    refuse_later_records(fitted, range(len(patients_of(fitted))), until)
    return until


def show_risk(fitted: "Fit", summaries: "tuple[PatientSummary, ...]") -> None:
    """Print one line per patient and horizon, the highest probability first."""
    from itb_bayes.cli.output import print_table

    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not fitted.gate.passed:
        typer.echo("GATE NOT PASSED: these numbers are not to be used.")
    rows: list[tuple[float, list[str]]] = []
    aside = []
    for s in summaries:
        head = [s.patient_id, s.diagnosis, f"{s.as_of_years:.1f}", f"{s.dose_now_ug:.0f}"]
        if not s.forecasts or s.drift_percent is None:
            aside.append(f"{s.patient_id}: not estimated: {'; '.join(s.reasons)}")
        for f in s.forecasts:
            d = s.drift_percent
            drift = f"{d.median:+.1f} ({d.q05:+.1f} to {d.q95:+.1f})" if d else ""
            dose = f"{f.dose_ug.median:.0f} ({f.dose_ug.q05:.0f} to {f.dose_ug.q95:.0f})"
            p = f.p_rise
            chance = f"{_percent(p.value)} ({_percent(p.low)} to {_percent(p.high)})"
            flag = "?" if s.last_year_rise_ug != s.last_year_rise_ug else "no"
            flag = "yes" if s.rule_flagged else flag
            months = f"{f.horizon_months:g}"
            rows.append((-p.value, [*head, drift, months, dose, chance, flag]))
    rows.sort(key=lambda row: row[0])
    print_table(
        ["patient", "dx", "year", "µg/day", "drift %/year", "months", "dose then",
         "% chance of +100 µg/day", "rule"],
        [row for _, row in rows],
    )  # fmt: skip
    for line in aside:
        typer.echo(line)
    typer.echo(
        "\nyear, µg/day: last reading, as of which all numbers are. Ranges: 90 %; of the chance, "
        "its spread over plausible population parameters.\nrule: dose rose by more than 100 µg/day "
        "in the year before (Heetla 2009); ? where the record cannot tell.\n"
        "Research use only; not a medical device."
    )


def _percent(p: float) -> str:
    if p < 0.005:
        return "<1"
    if p > 0.995:
        return ">99"
    return f"{100 * p:.0f}"


def risk_json(fitted: "Fit", summaries: "tuple[PatientSummary, ...]") -> dict[str, Any]:
    """Return all patients' numbers for machines."""
    from dataclasses import asdict

    patients = []
    for summary in summaries:
        entry = asdict(summary)
        del entry["scaled"]  # told on the page, with what may be relied on
        for name in ("t_years", "dose_ug"):
            entry[name] = [float(x) for x in entry[name]]
        entry["rule_flagged"] = summary.rule_flagged
        patients.append(entry)
    return {
        "run": fitted.manifest["run"],
        "model": f"{fitted.spec.name} {fitted.spec.version}",
        "synthetic": fitted.synthetic,
        "gate_passed": fitted.gate.passed,
        "mode": "refit",
        "patients": patients,
    }
