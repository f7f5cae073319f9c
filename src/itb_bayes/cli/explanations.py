"""Printing of what regimes fits say: tables for people, long rows for scripts."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.courses import Course, Since

FOOTNOTE = (
    "\nChances in 100 that the explanation is there now, given everything recorded up to that "
    "year;\nthe six sum to 100. Ranges and Monte Carlo errors: --format csv.\n"
    "Tolerance and progression are told apart by neurological scores and by what a holiday "
    "brings;\nwithout them the split between the two is the prior's.\n"
    "Research use only; not a medical device."
)
SMOOTHED_NOTE = (
    "\nChances in 100 that the explanation was there at that visit, judged from the whole record, "
    "what\ncame later included: not what could be known then (--every-visit)."
)
NOT_PASSED = "GATE NOT PASSED"

VISITS_SHOWN = 8
LEAST_CHANCE = 0.02
"""Explanations less likely than this are not asked since when."""


def print_risk(
    fitted: "RegimesFit", horizons: tuple[float, ...], output: str, until_years: dict[str, float]
) -> None:
    """Print the explanations of every fitted patient; none where a record supports none.

    Parameters
    ----------
    fitted : RegimesFit
    horizons : tuple of float
        Months.
    output : {"table", "csv", "json"}
    until_years : dict
        As-of time of patients, years since implant, where one is known.
    """
    from itb_bayes.inference.progress import Progress
    from itb_bayes.risk.explanation_table import explanation_table
    from itb_bayes.risk.explanations import explain_patients
    from itb_bayes.risk.scoring import withhold_unsupported

    draws = fitted.population()
    progress = Progress("patients: draws", draws.n_draw, quiet=not sys.stderr.isatty())
    found = explain_patients(
        fitted.plan, draws, mode="refit", horizons_months=horizons, seed=fitted.seed,
        on_progress=progress.update,
    )  # fmt: skip
    progress.finish()
    found = withhold_unsupported(fitted.plan, found, until_years)
    print_table_of(fitted, explanation_table(fitted, found), output)


def print_table_of(fitted: "RegimesFit", table: "pd.DataFrame", output: str) -> None:
    """Print a risk table as csv, json, or one line per patient and date."""
    marked = table if fitted.gate.passed else table.assign(status=NOT_PASSED)
    if output == "csv":
        marked.to_csv(sys.stdout, index=False, float_format="%.6g", lineterminator="\n")
    elif output == "json":
        from itb_bayes.cli.output import print_json

        rows = marked.astype(object).where(marked.notna(), None).to_dict(orient="records")
        print_json(
            {
                "run": fitted.manifest["run"],
                "model": f"{fitted.spec.name} {fitted.spec.version}",
                "synthetic": fitted.synthetic,
                "gate_passed": fitted.gate.passed,
                "rows": rows,
            }
        )
    else:
        _show(fitted, table)


def _show(fitted: "RegimesFit", table: "pd.DataFrame") -> None:
    from itb_bayes.cli.output import print_table
    from itb_bayes.kernel.regimes.layout import EXPLANATIONS
    from itb_bayes.risk.explanation_table import SMOOTHED

    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not fitted.gate.passed:
        typer.echo(f"{NOT_PASSED}: these numbers are not to be used.")
    rise = table[table["explanation"] == "rise_over_100_ug"]
    keys = zip(rise["patient_id"], rise["horizon_months"], strict=True)
    rising = dict(zip(keys, rise["probability"], strict=True))
    horizons = sorted(set(rise["horizon_months"]))
    lines: list[tuple[tuple[float, str, float], list[str]]] = []
    at_visits = table["quantity"].isin(("present", SMOOTHED))
    present = table[at_visits].dropna(subset=["probability"])
    for key, rows in present.groupby(["patient_id", "t_years"], sort=False):
        patient, t = str(key[0]), float(str(key[1]))
        chances = dict(zip(rows["explanation"], rows["probability"], strict=True))
        cells = [patient, f"{t:.1f}", *(_chance(float(chances[name])) for name in EXPLANATIONS)]
        cells += [_chance(rising.get((patient, months), float("nan"))) for months in horizons]
        lines.append(((float(chances["none"]), patient, t), cells))
    lines.sort(key=lambda line: line[0])
    print_table(
        ["patient", "year", *EXPLANATIONS, *(f"+100 µg/day in {h:g} months" for h in horizons)],
        [cells for _, cells in lines],
    )
    missing = table[table["status"].str.startswith("not estimated")]
    for key, _ in missing.groupby(["patient_id", "status"], sort=False):
        typer.echo(f"{key[0]}: {key[1]}")
    typer.echo(SMOOTHED_NOTE if (table["quantity"] == SMOOTHED).any() else FOOTNOTE)


def _chance(p: float) -> str:
    if p != p:
        return ""
    if p < 0.005:
        return "<1"
    return ">99" if p > 0.995 else f"{100 * p:.0f}"


def print_evidence(fitted: "RegimesFit", patient_id: str, until_years: dict[str, float]) -> None:
    """Print what speaks for and against the explanations of one fitted patient.

    A record that does not support numbers gives a line that says why, and none.

    Raises
    ------
    UsageError
        If the fit has no such patient.
    """
    import numpy as np

    from itb_bayes.cli.output import print_table
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.regimes_states import filter_patients
    from itb_bayes.kernel.regimes.layout import EXPLANATIONS
    from itb_bayes.risk.courses import look_back
    from itb_bayes.risk.evidence import strongest_evidence
    from itb_bayes.risk.next_tests import next_tests
    from itb_bayes.risk.regimes_patient import judge_explained

    plan, draws = fitted.plan, fitted.population()
    if patient_id not in plan.patient_ids:
        raise UsageError(f"the fit has no patient {patient_id!r}; `itb-bayes risk` lists them.")
    i = plan.patient_ids.index(patient_id)
    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    if not fitted.gate.passed:
        typer.echo(f"{NOT_PASSED}: these numbers are not to be used.")
    status, reasons = judge_explained(plan, i, until_years.get(patient_id))
    if status == "not estimated":
        typer.echo(f"{patient_id}: not estimated: {'; '.join(reasons)}")
        return
    states = filter_patients(plan.between(i, i + 1), draws.of_patient(i))
    now = states.now[:, 0].mean(axis=0)
    leading = EXPLANATIONS[1 + int(np.argmax(now[1:]))]
    typer.echo(f"{patient_id}, {plan.t_last[i]:.1f} years after implant, in 100:")
    pairs = zip(EXPLANATIONS, now, strict=True)
    typer.echo("  " + ", ".join(f"{name} {_chance(float(p))}" for name, p in pairs))
    typer.echo(f"\nFor (+) and against (-) {leading}, beside none, in the last 18 months:")
    lines = strongest_evidence(plan, draws, i, leading, lines=8)
    print_table(
        ["year", "times as likely", "evidence", "seen"],
        [[f"{x.t_years:.2f}", _times(x.log_ratio), x.channel, x.words] for x in lines],
    )
    typer.echo("\nWhat the next test would do:")
    weight = np.full(draws.n_draw, 1.0 / draws.n_draw)
    rows = []
    for test in next_tests(draws.g, states.after[:, 0, :, 0], weight):
        for outcome in test.outcomes:
            after = [_chance(outcome.after[name]) for name in EXPLANATIONS]
            rows.append([test.name, f"{test.worth_bits:.2f}", outcome.name,
                         _chance(outcome.probability), *after])  # fmt: skip
    print_table(["test", "worth (bits)", "outcome", "chance", *EXPLANATIONS], rows)
    show_past(look_back(plan.between(i, i + 1), draws.of_patient(i), weight, fitted.seed))
    typer.echo("\nResearch use only; not a medical device.")


def show_past(course: "Course") -> None:
    """Print what explained a patient's past, from the whole record, and since when."""
    from itb_bayes.cli.output import print_table
    from itb_bayes.kernel.regimes.layout import EXPLANATIONS

    last = float(course.t_years[-1])
    typer.echo("\nSince when, judged from the whole record:")
    for since in course.since:
        if since.explanation != EXPLANATIONS[0] and since.probability >= LEAST_CHANCE:
            typer.echo(f"  {since_in_words(since, last)}")
    typer.echo("\nLooking back from now, in 100 (what could be known then: score --every-visit):")
    shown = range(max(course.t_years.size - VISITS_SHOWN, 0), course.t_years.size)
    print_table(
        ["year", *EXPLANATIONS],
        [
            [f"{course.t_years[k]:.2f}", *(_chance(float(p)) for p in course.probability[k])]
            for k in shown
        ],
    )
    span = last - float(course.t_years[0])
    typer.echo(f"\nYears with each, of {span:.1f} on record (90 % interval):")
    print_table(
        ["explanation", "years", "from", "to"],
        [
            [name, *(f"{x:.1f}" for x in course.years[name])]
            for name in EXPLANATIONS
            if course.years[name][2] >= 0.05
        ],
    )


def since_in_words(since: "Since", last_years: float) -> str:
    """Say when an explanation began, if it is there at the last visit (years since implant)."""
    name = {"catheter": "a catheter problem", "pump": "a pump problem", "trigger": "a trigger"}
    what = name.get(since.explanation, since.explanation)
    chance = _chance(since.probability)
    if since.from_start > 0.5:
        return f"{what}, if present ({chance} in 100): as long as the record reaches back"
    months = 12.0 * (last_years - since.median_years)
    ago = "within the last month" if months < 1.0 else f"about {months:.0f} months before the end"
    return (
        f"{what}, if present ({chance} in 100): most likely began between years "
        f"{since.low_years:.1f} and {since.high_years:.1f} (median {since.median_years:.1f}, {ago})"
    )


def _times(log_ratio: float) -> str:
    import math

    size = math.exp(min(abs(log_ratio), 20.0))
    text = f"{size:.1f}" if size < 10 else f"{size:.0f}"
    return f"+ x{text}" if log_ratio > 0 else f"- /{text}"
