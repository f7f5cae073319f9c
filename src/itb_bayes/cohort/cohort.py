"""The cohort: validated tables of one data set, as everything else uses them."""

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pandas as pd

from itb_bayes.cohort.fingerprint import fingerprint_tables
from itb_bayes.cohort.invalid import InvalidCohort
from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.problems import Problem
from itb_bayes.cohort.reading import Examination, examine
from itb_bayes.cohort.timebasis import TimeBasis
from itb_bayes.cohort.writing import write_tables


@dataclass(frozen=True, eq=False)
class Cohort:
    """Validated tables of one data set; treat the frames as read-only.

    Attributes
    ----------
    name : str
        Name of the cohort.
    synthetic : bool
        Whether the data are simulated; every output derived from them says so.
    time_basis : {"date", "t_years"}
        The clock of the files. The tables always carry years since implant.
    patients : DataFrame
        One row per patient, in the order of the file.
    doses, assessments, refills, events : DataFrame
        Records sorted by patient, then ``t_years``; empty when the file was absent.
    set_aside : DataFrame
        Import log: ``table, row, patient_id, reason`` of every row left out.
    fingerprint : str
        SHA-256 of the canonical values.
    description : str
        One line about the cohort; may be empty.
    warnings : tuple of Problem
        Doubts that did not stop the import.
    rows_read : mapping of str to int
        Rows found in each file, before anything was set aside.
    """

    name: str
    synthetic: bool
    time_basis: TimeBasis
    patients: pd.DataFrame
    doses: pd.DataFrame
    assessments: pd.DataFrame
    refills: pd.DataFrame
    events: pd.DataFrame
    set_aside: pd.DataFrame
    fingerprint: str
    description: str = ""
    warnings: tuple[Problem, ...] = ()
    rows_read: MappingProxyType[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a cohort from a folder of CSV or Parquet files, or an Excel workbook.

        Parameters
        ----------
        path : str or Path
            Folder or ``.xlsx`` file.

        Returns
        -------
        Cohort
            With every rule of the contract fulfilled.

        Raises
        ------
        InvalidCohort
            If there is any error; it carries all problems of the cohort.
        CohortError
            If the path is missing or is no cohort at all.
        """
        return cls.of(examine(Path(path)))

    @classmethod
    def of(cls, examination: Examination) -> Self:
        """Return the cohort that was examined.

        Raises
        ------
        InvalidCohort
            If the examination found an error.
        """
        metadata, tables = examination.metadata, examination.tables
        if tables is None:
            raise InvalidCohort(metadata.name, examination.problems)
        return cls(
            name=metadata.name,
            synthetic=metadata.synthetic,
            time_basis=examination.time_basis,
            patients=tables["patients"],
            doses=tables["doses"],
            assessments=tables["assessments"],
            refills=tables["refills"],
            events=tables["events"],
            set_aside=examination.set_aside,
            fingerprint=fingerprint_tables(dict(tables)),
            description=metadata.description,
            warnings=examination.problems,
            rows_read=examination.rows_read,
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The five tables by name."""
        return {
            "patients": self.patients,
            "doses": self.doses,
            "assessments": self.assessments,
            "refills": self.refills,
            "events": self.events,
        }

    def write(self, folder: str | Path) -> None:
        """Write canonical CSV files that read back to the same fingerprint.

        Parameters
        ----------
        folder : str or Path
            Made if missing; must not hold table files yet.

        Raises
        ------
        UsageError
            If the folder holds tables already, or cannot be written to.
        """
        metadata = Metadata(self.name, self.description, self.synthetic)
        write_tables(Path(folder), metadata, self.time_basis, self.tables)
