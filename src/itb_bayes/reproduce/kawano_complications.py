"""Kawano 2018, complications per patient-year, and Table 1 with pooled rows."""

from scipy.stats import chi2

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.figures.papers import ForestRow, forest_figure
from itb_bayes.inference.complications_fitted import ComplicationsFit
from itb_bayes.literature import complication_counts, figure, kawano_table, sources
from itb_bayes.model.complications_plan import EVENTS
from itb_bayes.model.literature_cohort import literature_cohort
from itb_bayes.reproduce.account import Picture, Table
from itb_bayes.reproduce.cells import interval_cell
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.reproduce.part import Part
from itb_bayes.risk.complications_table import RateRow, complications_table
from itb_bayes.spec import load_model


def complications_part(fitter: Fitter, cohort: Cohort) -> Part:
    """Pool the published counts, and lay the paper's shares beside rates with intervals."""
    fitted: ComplicationsFit = fitter.of(
        "kawano-complications", load_model("@complications"), literature_cohort()
    )
    rows = complications_table(fitted)
    pictures = tuple(
        Picture(
            f"kawano-2018-{name}",
            f"{name.capitalize()}: published rates with exact intervals, the same given all "
            "series, and what a new centre may expect.",
            forest_figure(
                [_forest(row) for row in rows if row.complication == name
                 and row.where != "spread between centres"],
                f"{name}, per 100 patient-years", logarithmic=True,
            ),
        )
        for name in fitted.plan.complications
    )  # fmt: skip
    return Part(
        (_rates(fitted, cohort), _table_1(fitted)),
        pictures,
        {"run of @complications": fitted.run_id},
    )


def exact_interval(events: int, patient_years: float) -> tuple[float, float]:
    """Return the exact 90 % interval of a Poisson rate per 100 patient-years (Garwood 1936)."""
    low = 0.5 * chi2.ppf(0.05, 2 * events) if events else 0.0
    high = 0.5 * chi2.ppf(0.95, 2 * events + 2)
    return 100.0 * low / patient_years, 100.0 * high / patient_years


def _forest(row: RateRow) -> ForestRow:
    q = row.interval
    reported = None
    if row.crude is not None and row.where != "typical centre":
        events = round(row.crude * row.patient_years / 100.0)
        low, high = exact_interval(events, row.patient_years)
        reported = (max(low, 0.02), max(row.crude, 0.02), high)
    return ForestRow(row.where, reported, (q.q05, q.median, q.q95))


def _rates(fitted: ComplicationsFit, cohort: Cohort) -> Table:
    rows = []
    years = float(cohort.patients["t_last_seen"].sum())
    counted = cohort.events["event"].value_counts()
    table = complications_table(fitted)
    for cell in complication_counts():
        if cell.source != "kawano2018" or cell.events_low is None or cell.patient_years is None:
            continue
        share = figure(f"kawano-{cell.complication}")
        low, high = exact_interval(cell.events_low, cell.patient_years)
        crude = 100 * cell.events_low / cell.patient_years
        own = next(
            row for row in table
            if row.complication == cell.complication and row.where == "Kawano 2018"
        )  # fmt: skip
        q = own.interval
        k = int(counted.get(EVENTS[cell.complication], 0))
        rows.append(
            (cell.complication, f"{share.stated:g} % (n = {cell.events_low})",
             f"{crude:.2f} ({low:.2f} to {high:.2f})",
             f"{q.median:.2f} ({q.q05:.2f} to {q.q95:.2f})", f"{k} in {years:.0f} years")
        )  # fmt: skip
    return Table(
        "complications",
        "Complications: share of patients, and rate per 100 patient-years",
        ("complication", "paper, share of patients", "rate, exact interval (90 %)",
         "rate given all series (90 %)", "synthetic cohort"),
        tuple(rows),
        "34 patients, 235 patient-years (median follow-up times 34).",
    )  # fmt: skip


def _table_1(fitted: ComplicationsFit) -> Table:
    def cell(value: float | None) -> str:
        return "–" if value is None else f"{value:g}"

    rows: list[tuple[str, ...]] = [
        (sources()[row.source].short, cell(row.follow_up_years), cell(row.patients),
         cell(row.ashworth_before), cell(row.ashworth_after), row.dose_ug_day or "–",
         cell(row.catheter_percent), cell(row.pump_percent), cell(row.tolerance_percent))
        for row in kawano_table()
    ]  # fmt: skip
    for label, draws in (
        ("pooled, typical centre *", fitted.typical),
        ("pooled, new centre *", fitted.new_centre),
    ):
        cells = [
            interval_cell(100 * draws.sel(complication=name).to_numpy(), 1)
            for name in ("catheter", "pump", "tolerance")
        ]
        rows.append((label, "", "", "", "", "", *cells))
    return Table(
        "table-1",
        "Table 1 of the paper with pooled rows",
        ("series", "years", "n", "Ashworth before", "after", "dose, µg/day", "catheter, %",
         "pump, %", "tolerance, %"),
        tuple(rows),
        "Rows as printed (% of patients); –: not printed, or not to be told apart. * per 100 "
        "patient-years, median (90 %), from all series with counts and patient-years.",
    )  # fmt: skip
