"""One part of a simulated cohort at a time: the same patients as when all are made together."""

import io

import pandas as pd

from itb_bayes.simulate.clinic import draw_centres, simulate_patient
from itb_bayes.simulate.records import COLUMNS, Row
from itb_bayes.simulate.render import render_csv
from itb_bayes.simulate.schema import Settings
from itb_bayes.simulate.truth import TRUTH_COLUMNS

KEPT_TRUTH = ("patients", "regimes")
"""Truth that parts keep; the monthly requirement is eight times everything else."""


def simulate_part(
    settings: Settings, first: int, last: int
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Simulate the patients ``first`` to ``last - 1`` of a cohort.

    Every patient has random streams of their own, so they are the patients that
    :func:`itb_bayes.simulate.clinic.simulate_cohort` makes.

    Returns
    -------
    tables : dict of DataFrame
        Texts of the contract's tables, by table.
    beside : dict of str
        Truth as CSV text, by path.
    """
    centres = draw_centres(settings)
    tables: dict[str, list[Row]] = {
        name: [] for name in ("patients", "doses", *settings.cohort.channels)
    }
    truth: dict[str, list[Row]] = {name: [] for name in KEPT_TRUTH}
    for index in range(first, last):
        rows, true_rows, _ = simulate_patient(settings, centres, index)
        for name, more in rows.items():
            tables[name].extend(more)
        for name in KEPT_TRUTH:
            truth[name].extend(true_rows[name])
    other_clock = "t_years" if settings.cohort.time_basis == "date" else "date"
    texts = {
        name: pd.read_csv(
            io.StringIO(render_csv(rows, [c for c in COLUMNS[name] if c != other_clock])),
            dtype="str",
            keep_default_na=False,
        )
        for name, rows in tables.items()
    }
    beside = {
        f"truth/{name}.csv": render_csv(rows, TRUTH_COLUMNS[name]) for name, rows in truth.items()
    }
    return texts, beside
