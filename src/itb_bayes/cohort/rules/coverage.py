"""Doubts that do not stop the import: patients with nothing to learn from, odd attributes."""

from itb_bayes.cohort.contract import DIAGNOSES
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

FEW_DOSES = 3
_DIAGNOSIS_ONLY = {"ms_course": ("MS",), "sci_level": ("SCI",), "ais_grade": ("SCI",)}


def check_coverage(patients: RawTable, doses: RawTable | None, log: ProblemLog) -> None:
    """Warn of patients with no or few doses, and of attributes of another diagnosis."""
    ids = patients.words("patient_id")
    diagnosis = patients.words("diagnosis")
    for column, fitting in _DIAGNOSIS_ONLY.items():
        patients.flag(
            log,
            (patients.words(column) != "") & diagnosis.isin(DIAGNOSES) & ~diagnosis.isin(fitting),
            column,
            "other_diagnosis",
            f"{column} belongs to {' or '.join(fitting)}.",
            "Check the diagnosis; the value is kept.",
            "warning",
        )
    if doses is None or not doses.has("patient_id"):
        return
    n_doses = ids.map(doses.words("patient_id").value_counts()).fillna(0)
    patients.flag(
        log,
        (ids != "") & (n_doses == 0),
        "patient_id",
        "no_doses",
        "The patient has no doses.",
        "The patient is kept, and adds nothing to the dose models.",
        "warning",
    )
    patients.flag(
        log,
        (ids != "") & (n_doses > 0) & (n_doses < FEW_DOSES),
        "patient_id",
        "few_doses",
        f"The patient has fewer than {FEW_DOSES} doses.",
        "The patient is kept; estimates lean on the other patients.",
        "warning",
    )
