"""The fingerprint of a cohort: a hash of its values, whatever file they came from."""

import hashlib

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import CONTRACT_VERSION, TABLES, canonical_columns


def fingerprint_tables(tables: dict[str, pd.DataFrame]) -> str:
    """Return the SHA-256 of canonical tables.

    Row order, column order, file format and line ends make no difference; any value does.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Canonical tables by name.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(f"itb-bayes cohort v{CONTRACT_VERSION}".encode())
    for name in TABLES:
        table = tables[name]
        digest.update(f"\x1e{name}\x1f{len(table)}".encode())
        columns = {column: _as_text(table[column]) for column in canonical_columns(name)}
        order = np.lexsort([_codes(text) for text in reversed(columns.values())])
        for column, text in columns.items():
            digest.update(f"\x1e{column}\x1f".encode())
            digest.update("\x1f".join(text[order]).encode("utf-8"))
    return digest.hexdigest()


def _as_text(column: pd.Series) -> np.ndarray:
    """Return one column as texts; missing values as a mark no cell can hold."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_float_dtype(column):
        # Adding zero turns -0.0 into 0.0, which compares equal and must hash equal.
        numbers = column.to_numpy(dtype="float64") + 0.0
        text = np.array([repr(number) for number in numbers.tolist()], dtype=object)
    elif pd.api.types.is_datetime64_any_dtype(column):
        text = column.dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
    else:
        text = column.astype("str").to_numpy(dtype=object)
    text[missing] = "\x00"
    return text


def _codes(text: np.ndarray) -> np.ndarray:
    return np.unique(text.astype("U"), return_inverse=True)[1] if len(text) else np.zeros(0, int)
