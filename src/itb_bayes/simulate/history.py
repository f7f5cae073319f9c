"""What happened to one patient, before it is written down: plain lists in days since implant."""

from dataclasses import dataclass, field

from itb_bayes.simulate.clinician import Prescription
from itb_bayes.simulate.device import Device
from itb_bayes.simulate.person import Person
from itb_bayes.simulate.requirement import Course
from itb_bayes.simulate.spasticity import Reading


@dataclass(frozen=True)
class DoseEntry:
    """The prescription after a visit, whether or not it was changed there."""

    day: int
    prescription: Prescription
    concentration_ug_ml: float
    changed: bool


@dataclass(frozen=True)
class ReadingEntry:
    """The scores of one visit."""

    day: int
    reading: Reading


@dataclass(frozen=True)
class RefillEntry:
    """Expected and aspirated volume at one refill, mL."""

    day: int
    expected_ml: float
    actual_ml: float
    reservoir_ml: float


@dataclass(frozen=True)
class EventEntry:
    """One event of the contract's vocabulary."""

    day: int
    event: str
    detail: str = ""


@dataclass
class History:
    """Everything that happened to one patient under care."""

    person: Person
    course: Course
    device: Device
    doses: list[DoseEntry] = field(default_factory=list)
    readings: list[ReadingEntry] = field(default_factory=list)
    edss: list[tuple[int, float]] = field(default_factory=list)
    refills: list[RefillEntry] = field(default_factory=list)
    events: list[EventEntry] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)
    exit_day: int = 0
    exit_reason: str = "alive"

    def dose_at(self, day: float) -> float:
        """Return the programmed dose (ug/day) in force on a day; 0 before the first."""
        dose = 0.0
        for entry in self.doses:
            if entry.day > day:
                break
            dose = entry.prescription.daily_ug
        return dose

    def note(self, day: int, event: str, detail: str = "") -> None:
        """Add an event; one that is noted for that day already is not noted twice."""
        entry = EventEntry(day, event, detail)
        if entry not in self.events:
            self.events.append(entry)
