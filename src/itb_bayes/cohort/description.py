"""What a cohort holds: sizes, follow-up, first doses, missing channels, and what was set aside."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import TABLES, canonical_columns

_NEUROLOGICAL_SCALES = ("edss",)
_NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Quantiles:
    """Five numbers of a distribution; None when nobody has a value.

    Attributes
    ----------
    n : int
        Number of values.
    minimum, lower, median, upper, maximum : float or None
        Quantiles 0, 0.25, 0.5, 0.75 and 1.
    """

    n: int
    minimum: float | None
    lower: float | None
    median: float | None
    upper: float | None
    maximum: float | None


@dataclass(frozen=True)
class GroupSize:
    """Patients and patient-years of one diagnosis or centre."""

    name: str
    patients: int
    patient_years: float


@dataclass(frozen=True)
class Coverage:
    """How many patients (or rows) have something, and the share of all.

    Attributes
    ----------
    name : str
        Channel, or ``table.column``.
    n : int
        Patients of a channel, rows of a column.
    share : float
        Of all patients, or of all rows of the table.
    """

    name: str
    n: int
    share: float


@dataclass(frozen=True)
class FlowStep:
    """One box of the flow diagram.

    Attributes
    ----------
    step : str
        ``read``, ``set aside``, ``used`` or ``patients``.
    what : str
        Table, reason, or kind of patients.
    n : int
        Rows, or patients.
    """

    step: str
    what: str
    n: int


@dataclass(frozen=True)
class CohortDescription:
    """Description of one cohort; see `describe`.

    Attributes
    ----------
    name, fingerprint, time_basis : str
        As of the cohort.
    synthetic : bool
        Whether the data are simulated.
    patients : int
        Number of patients.
    patient_years : float
        Sum of follow-up since implant.
    rows : dict of str to int
        Rows of each table.
    dose_rows, visits : Quantiles
        Per patient; a visit is a distinct time with a dose, assessment or refill.
    follow_up_years : Quantiles
        From implant until last seen (the last record where that is not recorded).
    dose_at_year_1_ug : Quantiles
        Dose in force one year after implant (µg/day), of patients followed as long.
    by_diagnosis, by_centre : tuple of GroupSize
        Largest group first.
    channels : tuple of Coverage
        Patients with each kind of evidence.
    optional_columns : tuple of Coverage
        Rows in which each optional column is filled.
    flow : tuple of FlowStep
        From the rows read to the patients that can be modelled.
    """

    name: str
    fingerprint: str
    time_basis: str
    synthetic: bool
    patients: int
    patient_years: float
    rows: dict[str, int]
    dose_rows: Quantiles
    visits: Quantiles
    follow_up_years: Quantiles
    dose_at_year_1_ug: Quantiles
    by_diagnosis: tuple[GroupSize, ...]
    by_centre: tuple[GroupSize, ...]
    channels: tuple[Coverage, ...]
    optional_columns: tuple[Coverage, ...]
    flow: tuple[FlowStep, ...]

    def as_dict(self) -> dict[str, object]:
        """Return nested plain values, for JSON."""
        return asdict(self)


def describe(cohort: Cohort) -> CohortDescription:
    """Describe a cohort.

    Parameters
    ----------
    cohort : Cohort
        A valid cohort.

    Returns
    -------
    CohortDescription
        Counts and quantiles; no value of a single patient except smallest and largest.
    """
    follow_up = follow_up_years(cohort)
    ids = cohort.patients["patient_id"]
    records = pd.concat([cohort.doses, cohort.assessments, cohort.refills], ignore_index=True)
    visits = records[["patient_id", "t_years"]].drop_duplicates()["patient_id"]
    return CohortDescription(
        name=cohort.name,
        fingerprint=cohort.fingerprint,
        time_basis=cohort.time_basis,
        synthetic=cohort.synthetic,
        patients=len(ids),
        patient_years=float(follow_up.sum()),
        rows={name: len(table) for name, table in cohort.tables.items()},
        dose_rows=_quantiles(_per_patient(cohort.doses["patient_id"], ids)),
        visits=_quantiles(_per_patient(visits, ids)),
        follow_up_years=_quantiles(follow_up),
        dose_at_year_1_ug=_quantiles(_doses_at(cohort, 1.0, follow_up)),
        by_diagnosis=_groups(cohort.patients["diagnosis"], follow_up),
        by_centre=_groups(cohort.patients["centre"], follow_up),
        channels=_channels(cohort),
        optional_columns=_optional_columns(cohort),
        flow=_flow(cohort),
    )


def follow_up_years(cohort: Cohort) -> pd.Series:
    """Return years from implant to last seen (else to the last record), by patient.

    Parameters
    ----------
    cohort : Cohort
        A valid cohort.

    Returns
    -------
    Series of float, shape (n_patient,)
        Index ``patient_id``; zero for a patient without any record.
    """
    times = pd.concat(
        [table[["patient_id", "t_years"]] for n, table in cohort.tables.items() if n != "patients"]
    )
    last_record = times.groupby("patient_id")["t_years"].max()
    seen = cohort.patients.set_index("patient_id")["t_last_seen"]
    return seen.fillna(last_record.reindex(seen.index)).fillna(0.0).clip(lower=0.0)


def _per_patient(ids: pd.Series, patients: pd.Series) -> pd.Series:
    return patients.map(ids.value_counts()).fillna(0).astype("float64")


def _quantiles(values: pd.Series) -> Quantiles:
    known = values.dropna().to_numpy(dtype="float64")
    if known.size == 0:
        return Quantiles(0, None, None, None, None, None)
    return Quantiles(known.size, *np.quantile(known, [0, 0.25, 0.5, 0.75, 1]).tolist())


def _doses_at(cohort: Cohort, t_years: float, follow_up: pd.Series) -> pd.Series:
    before = cohort.doses[cohort.doses["t_years"] <= t_years]
    in_force = before.groupby("patient_id")["daily_dose_ug"].last()
    return in_force[in_force.index.isin(follow_up.index[follow_up >= t_years])]


def _groups(labels: pd.Series, follow_up: pd.Series) -> tuple[GroupSize, ...]:
    frame = pd.DataFrame(
        {"name": labels.fillna(_NOT_RECORDED).to_numpy(), "years": follow_up.to_numpy()}
    )
    sizes = frame.groupby("name")["years"].agg(["size", "sum"]).reset_index()
    sizes = sizes.sort_values(["size", "name"], ascending=[False, True])
    return tuple(GroupSize(str(n), int(k), float(y)) for n, k, y in sizes.itertuples(index=False))


def _channels(cohort: Cohort) -> tuple[Coverage, ...]:
    scales = cohort.assessments["scale"]
    neurological = scales.isin(_NEUROLOGICAL_SCALES)
    found = {
        "doses": cohort.doses["patient_id"],
        "spasticity and spasms": cohort.assessments.loc[~neurological, "patient_id"],
        "neurological score": cohort.assessments.loc[neurological, "patient_id"],
        "refills": cohort.refills["patient_id"],
        "events": cohort.events["patient_id"],
    }
    total = len(cohort.patients)
    counts = {name: len(ids.unique()) for name, ids in found.items()}
    return tuple(Coverage(name, n, n / total) for name, n in counts.items())


def _optional_columns(cohort: Cohort) -> tuple[Coverage, ...]:
    rows: list[Coverage] = []
    for name, table in cohort.tables.items():
        for column in canonical_columns(name):
            spec = TABLES[name].column(column)
            if len(table) and not (spec.required or spec.filled):
                n = int(table[column].notna().sum())
                rows.append(Coverage(f"{name}.{column}", n, n / len(table)))
    return tuple(rows)


def _flow(cohort: Cohort) -> tuple[FlowStep, ...]:
    steps = [FlowStep("read", name, n) for name, n in cohort.rows_read.items()]
    aside = cohort.set_aside.groupby(["table", "reason"]).size()
    for entry, n in aside.items():
        table, reason = entry if isinstance(entry, tuple) else (str(entry), "")
        steps.append(FlowStep("set aside", f"{table}: {reason}", int(n)))
    steps += [
        FlowStep("used", n, len(t)) for n, t in cohort.tables.items() if n in cohort.rows_read
    ]
    with_doses = len(cohort.doses["patient_id"].unique())
    steps.append(FlowStep("patients", "in the cohort", len(cohort.patients)))
    steps.append(FlowStep("patients", "without doses", len(cohort.patients) - with_doses))
    steps.append(FlowStep("patients", "with doses, for the models", with_doses))
    return tuple(steps)
