"""``@literature``: a cohort of nobody, for models that pool published figures alone."""

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import TABLES, canonical_columns
from itb_bayes.cohort.fingerprint import fingerprint_tables

LITERATURE = "@literature"
"""What is said in place of a folder."""

_TYPES = {"number": "float64", "date": "datetime64[s]", "flag": "boolean"}


def literature_cohort() -> Cohort:
    """Return a cohort without patients, called ``literature``."""
    tables = {name: _empty(name) for name in TABLES}
    return Cohort(
        name="literature",
        synthetic=False,
        time_basis="t_years",
        set_aside=pd.DataFrame({"table": [], "row": [], "patient_id": [], "reason": []}),
        fingerprint=fingerprint_tables(tables),
        description="published figures only",
        patients=tables["patients"],
        doses=tables["doses"],
        assessments=tables["assessments"],
        refills=tables["refills"],
        events=tables["events"],
    )


def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column: pd.Series([], dtype=_TYPES.get(TABLES[table].column(column).kind, "str"))
            for column in canonical_columns(table)
        }
    )
