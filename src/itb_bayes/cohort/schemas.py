"""Pandera schemas of the tables, built from the contract: types, ranges, vocabularies."""

import functools

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa

from itb_bayes.cohort.contract import TABLES, ColumnSpec
from itb_bayes.cohort.problems import ProblemLog, suggest
from itb_bayes.cohort.rawtable import RawTable

_RANGE = "range"
_VOCABULARY = "vocabulary"


@functools.cache
def table_schema(table: str) -> pa.DataFrameSchema:
    """Return the schema of one table's typed values.

    Parameters
    ----------
    table : str
        Table name of the contract.

    Returns
    -------
    pandera.DataFrameSchema
        All columns optional and nullable: presence and emptiness are checked on the text.
    """
    columns = {spec.name: _column(spec) for spec in TABLES[table].columns}
    return pa.DataFrameSchema(columns, strict=True, name=table)


def _column(spec: ColumnSpec) -> pa.Column:
    checks: list[pa.Check] = []
    dtype: str | None = None
    if spec.kind == "number":
        dtype = "float64"
        if np.isfinite(spec.low) or np.isfinite(spec.high):
            checks.append(pa.Check.in_range(spec.low, spec.high, error=_RANGE))
    elif spec.kind == "flag":
        dtype = "boolean"
    elif spec.vocabulary:
        checks.append(pa.Check.isin(spec.vocabulary, error=_VOCABULARY))
    return pa.Column(dtype, checks, nullable=True, required=False)


def check_schema(table: RawTable, log: ProblemLog) -> RawTable:
    """Validate typed values against the table's schema.

    Parameters
    ----------
    table : RawTable
        With typed columns.
    log : ProblemLog
        Takes a problem for every value outside its range or vocabulary.

    Returns
    -------
    RawTable
        Numbers out of range are missing from it, so that no later rule repeats the complaint.
    """
    try:
        table_schema(table.name).validate(table.cells, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        return _report(table, errors.failure_cases, log)
    return table


def _report(table: RawTable, failures: pd.DataFrame, log: ProblemLog) -> RawTable:
    values = table.cells.copy()
    for (column, check), cases in failures.groupby(["column", "check"], sort=False):
        spec = TABLES[table.name].column(str(column))
        mask = pd.Series(table.text.index.isin(cases["index"]), index=table.text.index)
        if check == _RANGE:
            _flag_range(table, spec, mask, log)
            values[spec.name] = values[spec.name].mask(mask)
        else:
            _flag_vocabulary(table, spec, mask, log)
    return table.with_cells(**{str(name): values[name] for name in values.columns})


def _flag_range(table: RawTable, spec: ColumnSpec, mask: pd.Series, log: ProblemLog) -> None:
    numbers = table.cells[spec.name]
    if spec.low == 0:
        table.flag(
            log, mask & (numbers < 0), spec.name, "negative", "The number is negative.", spec.hint
        )
    table.flag(
        log,
        mask,
        spec.name,
        "range",
        f"The number is not between {spec.low:g} and {spec.high:g}.",
        spec.hint,
    )


def _flag_vocabulary(table: RawTable, spec: ColumnSpec, mask: pd.Series, log: ProblemLog) -> None:
    allowed = f"Allowed: {', '.join(spec.vocabulary)}."
    table.flag(
        log,
        mask,
        spec.name,
        "vocabulary",
        f"The contract has no such {spec.name}.",
        lambda row, value: f"{suggest(value, spec.vocabulary)} {allowed}".strip(),
    )
