"""Catheter and pump: faults, what share of the programmed dose they let through, repair."""

from dataclasses import dataclass, field

import numpy as np

from itb_bayes.simulate.person import DAYS_PER_YEAR, Person, draw, pick
from itb_bayes.simulate.schema import CatheterPart, Incident, PumpPart, Settings

FAR_DAY = 10**7


@dataclass
class Fault:
    """One fault; days since implant.

    Attributes
    ----------
    part
        ``catheter`` or ``pump``.
    floor
        Share delivered when the fault is complete (or while blocked, if intermittent).
    ramp_days
        Days until complete.
    end_day
        Day of repair; a day beyond follow-up while present.
    found
        Whether the repair was because of the fault.
    """

    part: str
    form: str
    start_day: int
    floor: float
    ramp_days: float
    period_days: float
    phase: float
    end_day: int = FAR_DAY
    found: bool = False

    def passes(self, day: float) -> float:
        """Return the share of drug that passes this part on a day."""
        if not self.start_day <= day < self.end_day:
            return 1.0
        grown = min(1.0, (day - self.start_day + 1) / self.ramp_days)
        if self.form == "intermittent":
            blocked = np.sin(2 * np.pi * ((day - self.start_day) / self.period_days + self.phase))
            return self.floor if blocked > -0.25 else 1.0
        return 1.0 - (1.0 - self.floor) * grown


def catheter_fault_day(
    rules: CatheterPart, older: bool, fitted_day: int, rng: np.random.Generator
) -> int:
    """Draw the day of the next catheter fault from a hazard that falls after a year."""
    ratio = rules.older_model_ratio.value if older else 1.0
    first_month, first_year, later = (
        rules.first_month.value * ratio,
        rules.first_year_per_year.value * ratio,
        rules.later_per_year.value * ratio,
    )
    # Three pieces of constant hazard, inverted at one exponential draw.
    left = float(rng.exponential())
    month = 1 / 12
    for length, mass in ((month, first_month), (1 - month, first_year * (1 - month))):
        if mass > left:
            return fitted_day + int(left / mass * length * DAYS_PER_YEAR)
        left -= mass
        fitted_day += int(length * DAYS_PER_YEAR)
    return fitted_day + int(left / later * DAYS_PER_YEAR) if later > 0 else FAR_DAY


def pump_fault_day(rules: PumpPart, fitted_day: int, rng: np.random.Generator) -> int:
    """Draw the day of the pump's fault: Weibull in the age of the pump."""
    left, share = float(rng.exponential()), rules.failed_by_six_years.value
    if share <= 0:
        return FAR_DAY
    scale = 6.0 / (-np.log1p(-share)) ** (1 / rules.weibull_shape.value)
    return fitted_day + int(
        min(scale * left ** (1 / rules.weibull_shape.value) * DAYS_PER_YEAR, 1e6)
    )


def make_fault(
    rules: CatheterPart | PumpPart,
    part: str,
    day: int,
    rng: np.random.Generator,
    form: str | None = None,
    size: float | None = None,
) -> Fault:
    """Draw the form and depth of a fault that starts on `day`."""
    form = pick(rng, rules.forms) if form is None else form
    spans = {
        "abrupt": rules.abrupt_delivery,
        "gradual": rules.gradual_delivery,
        "intermittent": rules.intermittent_delivery,
    }
    floor = draw(rng, spans[form]) if size is None else size
    months, period = draw(rng, rules.gradual_months), draw(rng, rules.intermittent_days)
    ramp = months * DAYS_PER_YEAR / 12 if form == "gradual" else 1.0
    return Fault(part, form, day, floor, ramp, period, float(rng.random()))


@dataclass
class Device:
    """The implanted pump and catheter of one patient, with everything that befell them."""

    settings: Settings
    person: Person
    rng: np.random.Generator
    incidents: tuple[Incident, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    catheter_due: int = FAR_DAY
    pump_due: int = FAR_DAY
    replacement_due: int = FAR_DAY
    pump_accuracy: float = 1.0

    def __post_init__(self) -> None:
        self._planned = sorted(
            (item for item in self.incidents if item.kind in ("catheter", "pump")),
            key=lambda item: item.t_years,
        )
        self.fit_catheter(0)
        self.fit_pump(0)

    def fit_catheter(self, day: int) -> None:
        """Fit a new catheter; the next fault is drawn anew."""
        older = self.person.catheter_model == "older" and day == 0
        self.catheter_due = catheter_fault_day(self.settings.catheter, older, day, self.rng)

    def fit_pump(self, day: int) -> None:
        """Fit a new pump: its accuracy, its fault, its elective replacement."""
        rules, visit = self.settings.pump, self.settings.visit
        self.pump_due = pump_fault_day(rules, day, self.rng)
        self.replacement_due = day + int(draw(self.rng, rules.replacement_years) * DAYS_PER_YEAR)
        error = self.rng.normal(visit.pump_bias.value, visit.pump_accuracy_sd.value)
        self.pump_accuracy = 1.0 + float(np.clip(error, -0.145, 0.145))

    def next_onset(self) -> int:
        """Return the day on which the next fault begins."""
        planned = self._planned[0].t_years * DAYS_PER_YEAR if self._planned else FAR_DAY
        return min(self.catheter_due, self.pump_due, int(planned))

    def advance(self, day: int) -> list[Fault]:
        """Let every fault due up to `day` begin; return those that did."""
        begun: list[Fault] = []
        for part, due, rules in (
            ("catheter", self.catheter_due, self.settings.catheter),
            ("pump", self.pump_due, self.settings.pump),
        ):
            if due <= day:
                if self.active(part, day) is None:
                    begun.append(make_fault(rules, part, day, self.rng))
                if part == "catheter":
                    self.catheter_due = FAR_DAY
                else:
                    self.pump_due = FAR_DAY
        while self._planned and int(self._planned[0].t_years * DAYS_PER_YEAR) <= day:
            item = self._planned.pop(0)
            rules_of = self.settings.catheter if item.kind == "catheter" else self.settings.pump
            begun.append(make_fault(rules_of, item.kind, day, self.rng, item.form, item.size))
        self.faults.extend(begun)
        return begun

    def active(self, part: str, day: float) -> Fault | None:
        """Return the fault of `part` present on a day, if any."""
        for fault in self.faults:
            if fault.part == part and fault.start_day <= day < fault.end_day:
                return fault
        return None

    def patency(self, day: float) -> float:
        """Return the share of the programmed dose that reaches the intrathecal space."""
        return self.pumped(day) * self._passes("catheter", day)

    def pumped(self, day: float) -> float:
        """Return the share of the programmed volume that leaves the reservoir."""
        return self._passes("pump", day)

    def _passes(self, part: str, day: float) -> float:
        share = 1.0
        for fault in self.faults:
            if fault.part == part:
                share *= fault.passes(day)
        return share

    def repair(self, part: str, day: int) -> bool:
        """Replace `part`; return whether it was at fault."""
        fault = self.active(part, day)
        if fault is not None:
            fault.end_day, fault.found = day, True
        if part == "catheter":
            self.fit_catheter(day)
        else:
            self.fit_pump(day)
        return fault is not None

    def end_faults(self, day: int) -> None:
        """Explant: any fault ends, unnoticed, and none begins until new parts are fitted."""
        for fault in self.faults:
            fault.end_day = min(fault.end_day, day)
        self.catheter_due = self.pump_due = self.replacement_due = FAR_DAY

    def replace_pump(self, day: int) -> None:
        """Elective replacement: a pump fault ends, unnoticed."""
        fault = self.active("pump", day)
        if fault is not None:
            fault.end_day = day
        self.fit_pump(day)
