"""Run the clinic: every patient with random streams of their own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from itb_bayes.simulate.care import Care
from itb_bayes.simulate.history import History
from itb_bayes.simulate.person import draw_person
from itb_bayes.simulate.records import Recorder, Row
from itb_bayes.simulate.requirement import draw_course
from itb_bayes.simulate.schema import Diagnosis, Settings
from itb_bayes.simulate.spasticity import draw_raters
from itb_bayes.simulate.truth import truth_tables

_STREAMS = (
    "person", "course", "device", "response", "measurement", "clinician", "visits", "refills",
    "exit", "records",
)  # fmt: skip


@dataclass(frozen=True)
class SimulatedCohort:
    """A simulated cohort: rows of the contract's tables, and the truth behind them.

    Attributes
    ----------
    settings
        The resolved settings that made it.
    tables
        Rows by table name, as in the data contract.
    truth
        Rows by truth table: ``patients``, ``regimes``, ``requirement``.
    """

    settings: Settings
    tables: dict[str, list[Row]]
    truth: dict[str, list[Row]]


@dataclass(frozen=True)
class Centre:
    """What is common to the patients of a centre: its drift by diagnosis, its raters."""

    drift: dict[Diagnosis, float]
    raters: np.ndarray


def draw_centres(settings: Settings) -> tuple[Centre, ...]:
    """Draw the centres' own effects from streams that no patient shares."""
    centres = []
    for index in range(len(settings.centre)):
        rng = np.random.default_rng(
            np.random.SeedSequence(settings.cohort.seed.value, spawn_key=(0, index))
        )
        drift = {
            name: float(rng.normal(0, settings.diagnosis[name].drift_centre_sd.value))
            for name in sorted(settings.diagnosis)
        }
        centres.append(Centre(drift, draw_raters(settings, index, rng)))
    return tuple(centres)


def simulate_patient(
    settings: Settings, centres: tuple[Centre, ...], index: int
) -> tuple[dict[str, list[Row]], dict[str, list[Row]], History]:
    """Simulate one patient by position; independent of how many others there are.

    Returns
    -------
    tuple
        Rows of the contract's tables, truth rows, and the full history.
    """
    root = np.random.SeedSequence(settings.cohort.seed.value, spawn_key=(1, index))
    streams = {
        name: np.random.Generator(np.random.PCG64(child))
        for name, child in zip(_STREAMS, root.spawn(len(_STREAMS)), strict=True)
    }
    person = draw_person(settings, index, streams["person"])
    incidents = tuple(item for item in settings.incident if item.patient == index + 1)
    centre = centres[person.centre]
    course = draw_course(
        settings, person, centre.drift[person.diagnosis], incidents, streams["course"]
    )
    care = Care(settings, person, course, incidents, centre.raters, streams)
    history = care.run()
    tables = Recorder(settings, history, streams["records"]).tables()
    return tables, truth_tables(history, care.response.untreated), history


def simulate_cohort(
    settings: Settings, progress: Callable[[int, int], None] | None = None
) -> SimulatedCohort:
    """Simulate every patient of a cohort.

    Parameters
    ----------
    settings
        Resolved settings.
    progress
        Called with (patients done, patients in all) after each patient.
    """
    centres = draw_centres(settings)
    tables: dict[str, list[Row]] = {
        name: [] for name in ("patients", "doses", *settings.cohort.channels)
    }
    truth: dict[str, list[Row]] = {"patients": [], "regimes": [], "requirement": []}
    total = settings.cohort.patients.value
    for index in range(total):
        rows, true_rows, _ = simulate_patient(settings, centres, index)
        for name, more in rows.items():
            tables[name].extend(more)
        for name, more in true_rows.items():
            truth[name].extend(more)
        if progress is not None:
            progress(index + 1, total)
    return SimulatedCohort(settings, tables, truth)
