"""One patient under care, from implant to exit: an agenda of visits, tests and operations."""

import heapq
from dataclasses import replace

import numpy as np

from itb_bayes.simulate.clinician import (
    Prescription,
    change_dose,
    first_dose,
    relative_change,
    round_dose,
)
from itb_bayes.simulate.device import FAR_DAY, Device
from itb_bayes.simulate.history import DoseEntry, History, ReadingEntry
from itb_bayes.simulate.person import DAYS_PER_YEAR, Person, draw
from itb_bayes.simulate.requirement import Course
from itb_bayes.simulate.reservoir import Reservoir
from itb_bayes.simulate.schema import Incident, Settings
from itb_bayes.simulate.spasticity import Rater, Response, draw_response
from itb_bayes.simulate.suspicion import Suspicion
from itb_bayes.simulate.workup import carry_out_workup, manage_tolerance, operate, replace_pump


class Care:
    """The life of one implanted patient under one clinic's habits."""

    def __init__(
        self,
        settings: Settings,
        person: Person,
        course: Course,
        incidents: tuple[Incident, ...],
        rater_effects: np.ndarray,
        streams: dict[str, np.random.Generator],
    ) -> None:
        self.settings, self.person, self.course, self.incidents = (
            settings,
            person,
            course,
            incidents,
        )
        self.rng, self.visit_rng = streams["clinician"], streams["visits"]
        self.centre = settings.centre[person.centre]
        self.policy = settings.policy[self.centre.policy]
        self.device = Device(settings, person, streams["device"], incidents)
        self.history = History(person, course, self.device)
        self.response: Response = draw_response(settings.response, streams["response"])
        self.rater = Rater(
            settings.measurement,
            self.centre.scale,
            self.centre.muscles.value,
            rater_effects,
            streams["measurement"],
        )
        self.suspicion = Suspicion(settings.workup)
        self.bolus_potency = draw(self.rng, settings.tolerance.bolus_potency)
        rate = self.centre.visits_per_year.value * float(
            np.exp(self.visit_rng.normal(0, settings.visit.patient_rate_log_sd.value))
        )
        self.mean_gap_days = DAYS_PER_YEAR / max(rate, 1.0)
        self.prescription: Prescription = first_dose(
            self.policy, float(np.exp(course.log_requirement(0))), self.rng
        )
        self.reservoir = Reservoir(
            settings.visit,
            self.centre.reservoir_ml.value,
            self.prescription.daily_ug,
            streams["refills"],
        )
        self.paused_since: int | None = None
        self.titrating_until = int(settings.visit.titration_years.value * DAYS_PER_YEAR)
        self.last_day = 0
        self.exit_day, self.exit_reason = draw_exit(settings, person, streams["exit"])
        self._agenda: list[tuple[int, int, str, str]] = []
        self._order = 0

    def plan(self, day: int, action: str, detail: str = "") -> None:
        """Put an action on the agenda; equal days keep their order."""
        self._order += 1
        heapq.heappush(self._agenda, (day, self._order, action, detail))

    def run(self) -> History:
        """Play the agenda until follow-up ends."""
        self._open()
        while True:
            day, action, detail = self._next()
            if day >= self.exit_day:
                break
            self.pass_time(day)
            self._act(day, action, detail)
        self._close()
        return self.history

    def tone(self, day: float) -> float:
        """Return the true tone (0-4 scale, may fall below 0) on a day."""
        dose = 0.0 if self.paused_since is not None else self.prescription.daily_ug
        dose *= self.device.patency(day)
        if self.prescription.mode == "bolus":
            dose *= self.bolus_potency
        requirement = float(np.exp(self.course.log_requirement(day)))
        return self.response.tone(dose, requirement) + self.course.trigger_tone(day)

    def prescribe(self, day: int, prescription: Prescription) -> None:
        """Set and note the dose."""
        changed = prescription != self.prescription or not self.history.doses
        self.prescription = prescription
        self.reservoir.see_dose(day, prescription.daily_ug)
        entry = DoseEntry(day, prescription, self.reservoir.concentration_ug_ml, changed)
        if self.history.doses and self.history.doses[-1].day == day:
            earlier = self.history.doses.pop()
            entry = replace(entry, changed=changed or earlier.changed)
        self.history.doses.append(entry)

    def pause(self, day: int) -> None:
        """Stop delivery: a holiday or an explant."""
        self.paused_since = day

    def resume(self, day: int) -> None:
        """Start delivery again with a fresh reservoir."""
        if self.paused_since is not None:
            self.history.pauses.append((self.paused_since, day))
        self.paused_since = None

    def pass_time(self, day: int) -> None:
        """Let the pump run from the last action to this one."""
        if self.paused_since is None:
            self.reservoir.run(self.device, self.last_day, day, self.prescription.daily_ug)
        self.last_day = day

    def _open(self) -> None:
        settings = self.settings
        if settings.cohort.milestone_readings:
            before = -int(self.visit_rng.integers(7, 60))
            self.history.readings.append(
                ReadingEntry(before, self.rater.measure(self.response.untreated))
            )
        self.prescribe(0, self.prescription)
        self.plan(int(draw(self.visit_rng, settings.visit.titration_gap_days)), "visit")
        self.risk_infection(0)
        for incident in self.incidents:
            if incident.kind == "infection":
                self.plan(int(incident.t_years * DAYS_PER_YEAR), "infection", "planned")
        for change in self.course.changes:
            if change.recorded:
                day = change.start_day + int(self.rng.integers(20, 200))
                self.plan(day, "disease", change.kind)

    def risk_infection(self, day: int) -> None:
        """Every operation carries a risk of infection."""
        rules = self.settings.infection
        if self.rng.random() < rules.per_operation.value:
            self.plan(day + int(draw(self.rng, rules.onset_days)), "infection")

    def _next(self) -> tuple[int, str, str]:
        device = self.device
        day, action, detail = FAR_DAY, "end", ""
        if self._agenda:
            day, _, action, detail = self._agenda[0]
        due = device.next_onset()
        if self.paused_since is None and min(due, device.replacement_due) <= day:
            if due <= device.replacement_due:
                return max(due, self.last_day), "fault", ""
            return max(device.replacement_due, self.last_day), "replacement", ""
        if self._agenda:
            heapq.heappop(self._agenda)
        return max(day, self.last_day), action, detail

    def _act(self, day: int, action: str, detail: str) -> None:
        if action == "visit":
            self._visit(day)
        elif action == "fault":
            self._fault_begins(day)
        elif action == "replacement":
            replace_pump(self, day)
        elif action == "workup":
            carry_out_workup(self, day, forced=detail == "forced")
        elif action == "surgery":
            operate(self, day, detail)
        elif action == "dose_cut":
            self._cut_after_repair(day)
        elif action == "infection":
            self._infection(day, detail == "planned")
        elif action == "reimplant":
            self._reimplant(day)
        elif action == "holiday_end":
            self._end_holiday(day)
        elif action == "disease":
            event = "disease_improvement" if detail == "improvement" else "disease_progression"
            self.history.note(day, event, "relapse" if detail == "relapse" else "")

    def _visit(self, day: int) -> None:
        visit = self.settings.visit
        if self.paused_since is not None:
            self.plan(day + 21, "visit")
            return
        tone = self.tone(day)
        reading = self.rater.measure(tone)
        self.history.readings.append(ReadingEntry(day, reading))
        self._score_disability(day)
        if day >= self.reservoir.due_day - 14:
            entry = self.reservoir.aspirate(day)
            self.history.refills.append(entry)
            self.suspicion.see_refill(entry)
            self.reservoir.fill(day, self.prescription.daily_ug)
        excess = reading.mean_tone - self.policy.goal.value
        titrating = day < self.titrating_until
        self.suspicion.see_reading(day, excess, self.prescription.daily_ug)
        explained = self._find_trigger(day, excess)
        fraction = relative_change(self.policy, reading, titrating, self.rng)
        if explained and fraction > 0 and self.rng.random() < 0.7:
            fraction = 0.0
        if not explained:
            self._look_for_cause(day)
        if self.paused_since is None:
            current = self.prescription
            if self.suspicion.changed_mode_on != day:
                current = change_dose(self.policy, current, fraction, self.rng)
            self.prescribe(day, current)
        gap = (
            self.mean_gap_days
            * float(self.visit_rng.gamma(visit.gap_shape.value))
            / (visit.gap_shape.value)
        )
        if titrating:
            gap = min(gap, draw(self.visit_rng, visit.titration_gap_days))
        if tone - self.policy.goal.value > visit.unwell_excess.value:
            gap *= visit.unwell_gap_factor.value
        following = min(day + max(int(gap), 3), max(self.reservoir.due_day, day + 1))
        self.plan(following, "visit")

    def _score_disability(self, day: int) -> None:
        rules = self.settings.measurement
        if self.person.diagnosis != "MS":
            return
        last = self.history.edss[-1][0] if self.history.edss else -FAR_DAY
        if day - last >= rules.edss_interval_years.value * DAYS_PER_YEAR:
            per_unit = self.settings.progression.edss_per_log_unit.value
            severity = self.course.severity(day)
            self.history.edss.append(
                (day, self.rater.edss(day / DAYS_PER_YEAR, severity, per_unit))
            )

    def _find_trigger(self, day: int, excess: float) -> bool:
        """Look for a noxious stimulus when the patient is worse; note it if found."""
        if excess < self.policy.dead_band.value:
            return False
        for trigger in self.course.triggers:
            if trigger.start_day <= day < trigger.end_day:
                if self.rng.random() >= self.settings.trigger.recorded.value:
                    return False
                self.history.note(day, "trigger", trigger.kind)
                return True
        return False

    def _look_for_cause(self, day: int) -> None:
        if not self.suspicion.is_raised(day, self.titrating_until):
            return
        rules = self.settings.workup
        if self.suspicion.may_test(day) and self.rng.random() < rules.per_visit.value:
            self.suspicion.testing = True
            self.plan(day + int(draw(self.rng, rules.wait_days)), "workup")
        elif self.suspicion.tested_clean(day, self.policy.clean_tests.value):
            manage_tolerance(self, day)

    def _fault_begins(self, day: int) -> None:
        for fault in self.device.advance(day):
            severe = fault.form == "abrupt" and fault.floor < 0.4
            if severe and self.rng.random() < self.settings.workup.alarm_noticed.value:
                self.suspicion.testing = True
                self.plan(day + int(self.rng.integers(2, 12)), "workup", "forced")

    def _cut_after_repair(self, day: int) -> None:
        if self.paused_since is not None:
            return
        factor = draw(self.rng, self.settings.workup.dose_factor_after_repair)
        # A dose that was hardly raised during the fault is not cut to half.
        earlier = self.history.dose_at(day - DAYS_PER_YEAR) or self.prescription.daily_ug
        factor = min(max(factor, 0.85 * earlier / self.prescription.daily_ug), 0.95)
        dose = round_dose(self.prescription.daily_ug * factor, coarse=False)
        self.prescribe(day, Prescription(dose, "simple"))
        self.suspicion.clear(day)

    def _infection(self, day: int, planned: bool) -> None:
        if self.paused_since is not None:
            return
        rules = self.settings.infection
        self.history.note(day, "infection")
        self.history.note(day + 3, "explant")
        self.pause(day + 3)
        self.device.end_faults(day + 3)
        back = self.rng.random() < rules.reimplanted.value
        if back or planned:
            self.plan(day + 3 + int(draw(self.rng, rules.reimplant_days)), "reimplant")
        else:
            self.exit_day, self.exit_reason = day + 4, "explanted"

    def _reimplant(self, day: int) -> None:
        self.resume(day)
        self.device.fit_catheter(day)
        self.device.fit_pump(day)
        self.history.note(day, "reimplant")
        self._restart(day, 0.6)
        self.titrating_until = day + 120

    def _end_holiday(self, day: int) -> None:
        self.resume(day)
        for tolerance in self.course.tolerances:
            if tolerance.start_day < day:
                kept = draw(self.rng, self.settings.tolerance.kept_after_reset)
                tolerance.reset(day, kept)
        self.history.note(day, "holiday_end")
        self._restart(day, draw(self.rng, self.settings.mode.holiday_restart))
        self.titrating_until = day + 90
        self.suspicion.clear(day)

    def _restart(self, day: int, factor: float) -> None:
        dose = round_dose(self.prescription.daily_ug * factor, coarse=False)
        self.reservoir.fill(day, dose)
        self.prescribe(day, Prescription(dose, "simple"))

    def _close(self) -> None:
        history = self.history
        history.exit_day, history.exit_reason = self.exit_day, self.exit_reason
        if self.paused_since is not None:
            history.pauses.append((self.paused_since, self.exit_day))
        if self.exit_reason == "died":
            history.note(self.exit_day, "death")
        elif self.exit_reason == "lost":
            history.note(self.exit_day, "lost")
        history.events = [event for event in history.events if event.day <= self.exit_day]
        history.events.sort(key=lambda event: event.day)


def draw_exit(settings: Settings, person: Person, rng: np.random.Generator) -> tuple[int, str]:
    """Draw when and why follow-up ends."""
    rules = settings.exit
    lost, death = float(rng.exponential()), float(rng.exponential())
    by_age = np.exp(rules.death_age_slope.value * (person.age_at_implant - 50.0))
    rate = rules.death_per_year.value * by_age
    lost_rate = rules.lost_per_year.value
    lost_day = lost / lost_rate * DAYS_PER_YEAR if lost_rate > 0 else FAR_DAY
    death_day = death / rate * DAYS_PER_YEAR if rate > 0 else FAR_DAY
    earliest = int(settings.cohort.min_years.value * DAYS_PER_YEAR)
    if min(lost_day, death_day) >= person.follow_up_days:
        return person.follow_up_days, "alive"
    reason = "lost" if lost_day < death_day else "died"
    return min(max(int(min(lost_day, death_day)), earliest), person.follow_up_days), reason
