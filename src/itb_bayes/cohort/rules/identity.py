"""Who is who: patient identifiers that are unique, exact and known."""

import unicodedata

import pandas as pd

from itb_bayes.cohort.problems import ProblemLog, suggest
from itb_bayes.cohort.rawtable import RawTable

_MAX_SUGGESTIONS = 50


def check_identifiers(patients: RawTable, log: ProblemLog) -> None:
    """Report doubled identifiers, and such as differ by case or white space only."""
    ids = patients.words("patient_id")
    _check_white_space(patients, ids, log)
    first_row = _first_rows(ids)
    patients.flag(
        log,
        (ids != "") & ids.duplicated(),
        "patient_id",
        "duplicate_patient",
        lambda row, value: f"The patient is there already, in line {first_row[ids[row]]}.",
        "Keep one line per patient.",
    )
    folded = _folded(ids)
    first_folded = _first_rows(folded)
    patients.flag(
        log,
        (folded != "") & folded.duplicated() & ~ids.duplicated(),
        "patient_id",
        "id_case",
        lambda row, value: (
            "The identifier looks like another, by case, white space or invisible characters: "
            f"the one in line {first_folded[folded[row]]}."
        ),
        "Write the same patient the same way; tell different patients apart clearly.",
    )


def check_known_patients(table: RawTable, patients: RawTable, log: ProblemLog) -> None:
    """Report records of patients who are not in the patients table, once per patient."""
    if not patients.has("patient_id") or not table.has("patient_id"):
        return
    ids = table.words("patient_id")
    known = patients.words("patient_id")
    _check_white_space(table, ids[~ids.isin(known)].reindex(ids.index, fill_value=""), log)
    unknown = (ids != "") & ~ids.isin(known)
    by_folded = dict(zip(_folded(known)[::-1], known[::-1], strict=True))
    folded = _folded(ids)
    first = unknown & ~ids.duplicated()
    table.flag(
        log,
        first & folded.isin(list(by_folded)),
        "patient_id",
        "id_case",
        lambda row, value: (
            "The identifier differs only by case, white space or invisible characters from "
            f"{by_folded[folded[row]]!r}."
        ),
        "Write it as in the patients table.",
    )
    counts = ids[unknown].value_counts()
    near = list(known.unique()) if len(counts) <= _MAX_SUGGESTIONS else []
    table.flag(
        log,
        first,
        "patient_id",
        "unknown_patient",
        lambda row, value: f"The patients table has no such patient (lines: {counts[value]}).",
        lambda row, value: (
            suggest(value, near) or "Add the patient to the patients table, or remove the rows."
        ),
    )


def _check_white_space(table: RawTable, ids: pd.Series, log: ProblemLog) -> None:
    padded = (ids != ids.str.strip()) & ~ids.duplicated()
    table.flag(
        log,
        padded,
        "patient_id",
        "id_whitespace",
        "There is white space around the identifier.",
        "Remove it.",
    )


def _folded(ids: pd.Series) -> pd.Series:
    """Return identifiers so that those which a reader cannot tell apart are the same."""
    known = {identifier: _fold(str(identifier)) for identifier in ids.unique()}
    return ids.map(known).astype("str")


def _fold(identifier: str) -> str:
    alike = unicodedata.normalize("NFKC", identifier).casefold()
    # Category C: control and format characters, such as a zero-width space.
    return "".join(c for c in alike if not c.isspace() and unicodedata.category(c)[0] != "C")


def _first_rows(ids: pd.Series) -> dict[str, int]:
    first = ids[~ids.duplicated()]
    return dict(zip(first.astype("str"), first.index.astype("int64"), strict=True))
