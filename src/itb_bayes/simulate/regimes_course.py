"""Courses of patients drawn from the regimes model itself, on the design of a cohort.

The agent-based clinic of this package is another mechanism on purpose. Here data come from the
model that is fitted, for calibration by simulation and for posterior predictive checks.
Plain numpy, on the reference of what happens to a patient
(:mod:`itb_bayes.kernel.regimes.oracle_moves`), apart from the compiled filter.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.actions import CATHETER_OPERATIONS, PUMP_OPERATIONS
from itb_bayes.cohort.search import QUIET, cause_to_search
from itb_bayes.cohort.tested import (
    EXCLUDED_UNSEEN,
    EXCLUDED_YEARS,
    NOT_EXCLUDED,
    after_test,
    expect_catheter,
    expect_naming,
    expect_pump,
)
from itb_bayes.kernel.regimes.findings import REFILL_OUTLIER, REFILL_OUTLIER_DENSITY
from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    LOST_SHARE,
    LOST_VAR,
    N_INTACT,
    SCALE_POINTS,
    TOLERANCE_STATES,
    UNRULED_NOT_CHANGED,
    WIDEST_CHANGE,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle_moves import (
    actions,
    drift,
    found_rates,
    named,
    transition_matrix,
    work_up_rate,
)

Array = NDArray[np.float64]

_CATHETER_FOUND, _PUMP_FOUND = 1, 2
_BY_DESIGN = 8 | 16 | 32
"""Operations that the design holds: pump replaced, device reimplanted, tolerance reset."""
_NEW_CATHETER, _NEW_PUMP = _CATHETER_FOUND | 16, _PUMP_FOUND | 8 | 16


@dataclass(frozen=True)
class Courses:
    """Steps of all patients, as a plan holds them, with the truth.

    Attributes
    ----------
    data, codes : ndarray, shape (n_step, 15) and (n_step, 8)
        Columns of :class:`~itb_bayes.kernel.regimes.layout.Col` and ``Code``.
    state : ndarray of int64, shape (n_step,)
        Regime at each step, before any action of that day.
    requirement : ndarray, shape (n_step,)
        Log requirement (ug/day), likewise; what a leak seems to add is in it.
    """

    data: Array
    codes: NDArray[np.int64]
    state: NDArray[np.int64]
    requirement: Array


def draw_courses(
    g: Array,
    own: Array,
    data: Array,
    codes: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    tone_seen: bool = True,
) -> Courses:
    """Draw a course for every patient of a design.

    Parameters
    ----------
    g, own : ndarray, shapes (n_par,) and (n_patient, n_own)
        Parameters; :class:`~itb_bayes.kernel.regimes.layout.Par` and ``Own``.
    data, codes, offsets : ndarray
        Steps of the design. Its times, first doses, holidays, elective operations, boluses, and
        which channel is recorded at which step are kept; everything else is drawn. Revisions that
        found nothing are left out, and a dose is set anew only where the design changed it without
        saying why.
    rng : numpy.random.Generator
    tone_seen : bool
        Whether readings of tone count as a cause to search (the channel is on).

    Returns
    -------
    Courses
    """
    out_data, out_codes = data.copy(), codes.copy()
    state = np.empty(len(data), dtype=np.int64)
    requirement = np.empty(len(data))
    pars = named(g, Par)
    for i in range(len(offsets) - 1):
        rows = slice(int(offsets[i]), int(offsets[i + 1]))
        patient = _Patient(pars, named(own[i], Own), data[rows], codes[rows], rng, tone_seen)
        for k in range(rows.stop - rows.start):
            patient.step(k)
        out_data[rows], out_codes[rows] = patient.data, patient.codes
        state[rows], requirement[rows] = patient.states, patient.requirements
    return Courses(out_data, out_codes, state, requirement)


class _Patient:
    """One patient while the course is drawn."""

    def __init__(
        self, g: SimpleNamespace, own: SimpleNamespace, design: Array, codes: NDArray[np.int64],
        rng: np.random.Generator, tone_seen: bool,
    ) -> None:  # fmt: skip
        self.g, self.own, self.rng, self.tone_seen = g, own, rng, tone_seen
        self.design, self.data = design, design.copy()
        self.codes = codes.copy()
        self.codes[:, Code.ACTION] &= _BY_DESIGN
        self.state = State.STABLE
        self.dose = float(design[0, Col.LOG_DOSE])
        self.level = self.dose + g.start_gap + np.sqrt(g.start_var) * rng.standard_normal()
        self.offset = np.sqrt(g.penn_patient_var) * rng.standard_normal()
        self.catheter_from = design[0, Col.T] - design[0, Col.CATHETER_AGE]
        self.pump_from = design[0, Col.T] - design[0, Col.PUMP_AGE]
        self.refills = 0
        self.states = np.empty(len(design), dtype=np.int64)
        self.requirements = np.empty(len(design))
        self.readings = np.full(len(design), np.nan)
        self.expected = np.full((3, len(design)), np.nan)
        self.operated = np.zeros((2, len(design)), dtype=np.bool_)

    def step(self, k: int) -> None:
        """Draw everything of one step."""
        row, code = self.data[k], self.codes[k]
        t = float(row[Col.T])
        dt = 0.0 if k == 0 else t - float(self.data[k - 1, Col.T])
        row[Col.LOG_DOSE] = self.dose
        row[Col.CATHETER_AGE], row[Col.PUMP_AGE] = t - self.catheter_from, t - self.pump_from
        row[Col.SEARCH] = self._cause(k)
        if dt > 0.0:
            self._move(t, dt, row)
        mean, var = drift(self.g, self.own, t, dt)
        self.level += mean[self.state] + np.sqrt(var[self.state]) * self.rng.standard_normal()
        self.states[k], self.requirements[k] = self.state, self.level
        self._read(k, row, int(code[Code.BOLUS]))
        self._refill(row)
        self._score(row)
        self._test(k, row, code, dt)
        self._write_down(row, code, dt)
        self._operate(k, row, code, dt)
        if k + 1 < len(self.data) and np.isnan(self.design[k, Col.DOSE_CHANGE]):
            self.dose += float(self.design[k + 1, Col.LOG_DOSE] - self.design[k, Col.LOG_DOSE])

    def _cause(self, k: int) -> float:
        if k == 0:
            return QUIET
        seen = self.readings if self.tone_seen else np.full(k, np.nan)
        by_tone, by_dose = cause_to_search(
            k, self.design[:, Col.T], self.data[:, Col.LOG_DOSE], seen
        )
        return float(QUIET + by_tone + by_dose)

    def _move(self, t: float, dt: float, row: Array) -> None:
        ages = float(row[Col.CATHETER_AGE]), float(row[Col.PUMP_AGE])
        chances = transition_matrix(self.g, self.own, t, dt, *ages)[self.state]
        before = self.state
        self.state = State(int(self.rng.choice(len(State), p=chances / chances.sum())))
        g = self.g
        if before == State.STABLE and self.state == State.TOLERANCE_SETTLED:
            self._jump(g.tolerance_step, g.tolerance_step_var)
        elif before < N_INTACT and self.state == State.CATHETER_PARTIAL:
            self._jump(g.leak_step, g.leak_step_var)

    def _jump(self, mean: float, var: float) -> None:
        self.level += mean + np.sqrt(var) * self.rng.standard_normal()

    def _tone(self, bolus: int) -> float:
        """Return the tone of this visit, of which everything is read."""
        g, own = self.g, self.own
        gap = self.level - self.dose - g.bolus_potency * bolus
        loss = {
            State.CATHETER_SEVERE: (g.loss_severe, g.loss_severe_var),
            State.PUMP: (g.loss_pump, g.loss_pump_var),
        }.get(self.state)
        if loss is not None:
            gap += loss[0] + np.sqrt(loss[1]) * self.rng.standard_normal()
        tone = float(own.untreated / (1.0 + (own.untreated - 1.0) * np.exp(-g.hill * gap)))
        if self.state == State.TRIGGER:
            tone += g.trigger_tone + np.sqrt(g.trigger_tone_var) * self.rng.standard_normal()
        return tone

    def _read(self, k: int, row: Array, bolus: int) -> None:
        g, own, rng = self.g, self.own, self.rng
        tone = self._tone(bolus)
        reading = tone + np.sqrt(own.tone_var) * rng.standard_normal()
        wild = rng.random() < g.outlier
        if wild:
            reading = SCALE_POINTS * rng.random()
            if not np.isnan(row[Col.ASHWORTH]) and rng.random() < LOST_SHARE:
                self.level = row[Col.LOG_DOSE] + np.sqrt(LOST_VAR) * rng.standard_normal()
        if not np.isnan(row[Col.ASHWORTH]):
            row[Col.ASHWORTH] = self.readings[k] = reading
        if not np.isnan(row[Col.DOSE_CHANGE]):
            excess = reading - own.goal
            left = g.still * np.exp(-0.5 * excess**2 / g.still_var)
            change = g.gain * excess + np.sqrt(g.dose_var) * rng.standard_normal()
            changed = rng.random() >= left
            # Where the reading was not written down, one that says nothing decides nothing.
            if wild if np.isnan(row[Col.ASHWORTH]) else rng.random() < g.unruled:
                changed = rng.random() >= UNRULED_NOT_CHANGED
                change = WIDEST_CHANGE * (2.0 * rng.random() - 1.0)
            row[Col.DOSE_CHANGE] = change if changed else 0.0
            self.dose += float(row[Col.DOSE_CHANGE])
        if not np.isnan(row[Col.PENN]):
            score = g.penn_intercept + g.penn_slope * tone + self.offset
            score += np.sqrt(g.penn_var) * rng.standard_normal()
            if rng.random() < g.outlier:
                score = SCALE_POINTS * rng.random()
            row[Col.PENN] = score

    def _refill(self, row: Array) -> None:
        if np.isnan(row[Col.REFILL]):
            return
        g = self.g
        var = g.refill_var * (1.0 + 1.0 / (self.refills + 1.0))
        mean = 0.0
        if self.state == State.PUMP:
            mean, var = g.refill_pump, var + g.refill_pump_var
        left = mean + np.sqrt(var) * self.rng.standard_normal()
        if self.rng.random() < REFILL_OUTLIER:
            left = (self.rng.random() - 0.5) / REFILL_OUTLIER_DENSITY
        row[Col.REFILL], row[Col.REFILL_COUNT] = left, float(self.refills)
        self.refills += 1

    def _score(self, row: Array) -> None:
        if np.isnan(row[Col.EDSS]):
            return
        worse = self.g.edss_progression if self.state == State.PROGRESSION else 0.0
        mean = (self.g.edss_rate + worse) * row[Col.EDSS_YEARS]
        row[Col.EDSS] = mean + np.sqrt(self.g.edss_var) * self.rng.standard_normal()

    def _test(self, k: int, row: Array, code: NDArray[np.int64], dt: float) -> None:
        g, rng = self.g, self.rng
        code[[Code.DYE, Code.ASPIRATION, Code.ROTOR]] = -1
        if rng.random() < self._chance(work_up_rate(g, named(row, Col), self.state), dt):
            leaks, pump = self.state in CATHETER_STATES, self.state == State.PUMP
            blocked = rng.random() < (g.blocked_fault if leaks else g.blocked_intact)
            dye = rng.random() < (g.dye_sensitivity if leaks else g.dye_false)
            rotor = rng.random() < (g.rotor_sensitivity if pump else g.rotor_false)
            # Dye goes in where something could be aspirated.
            code[Code.ASPIRATION], code[Code.DYE] = int(blocked), 2 if blocked else int(dye)
            code[Code.ROTOR] = int(rotor)
        one = slice(k, k + 1)
        self.expected[0, one] = expect_catheter(
            self.codes[one, Code.DYE], self.codes[one, Code.ASPIRATION]
        )
        self.expected[1, one] = expect_pump(self.codes[one, Code.ROTOR])
        self.expected[2, one] = expect_naming(
            self.codes[one, Code.DYE], self.codes[one, Code.ASPIRATION], self.codes[one, Code.ROTOR]
        )
        t_years = self.design[:, Col.T]
        row[Col.CATHETER_TESTED] = after_test(k, t_years, self.expected[0], self.operated[0])
        row[Col.PUMP_TESTED] = after_test(k, t_years, self.expected[1], self.operated[1])
        if g.work_up > 0.0:
            excluded = after_test(
                k, t_years, self.expected[2], self.operated.any(axis=0), EXCLUDED_YEARS
            )
            row[Col.EXCLUDED] = NOT_EXCLUDED + (1.0 - NOT_EXCLUDED) * excluded
        else:
            row[Col.EXCLUDED] = EXCLUDED_UNSEEN * row[Col.SEARCH]

    def _write_down(self, row: Array, code: NDArray[np.int64], dt: float) -> None:
        g, s = self.g, self.state
        leaks = s in CATHETER_STATES and s != State.CATHETER_SEVERE
        tolerance = g.tolerance_label if s in TOLERANCE_STATES else g.tolerance_label_false
        for column, rate in (
            (Code.TOLERANCE, row[Col.EXCLUDED] * (g.tolerance_label_leak if leaks else tolerance)),
            (
                Code.PROGRESSION,
                g.progression_label if s == State.PROGRESSION else g.progression_label_false,
            ),
            (Code.TRIGGER, g.trigger_label if s == State.TRIGGER else g.trigger_label_false),
        ):
            code[column] = int(self.rng.random() < self._chance(rate, dt))

    @staticmethod
    def _chance(rate: Any, dt: float) -> float:
        return float(-np.expm1(-rate * dt))

    def _operate(self, k: int, row: Array, code: NDArray[np.int64], dt: float) -> None:
        seen = named(row, Col)
        rate = found_rates(self.g, seen).get(self.state, 0.0)
        if self.rng.random() < self._chance(rate, dt):
            found = _PUMP_FOUND if self.state == State.PUMP else _CATHETER_FOUND
            code[Code.ACTION] |= found
            # What was done to the dose on such a day is not the policy's answer to a reading.
            row[Col.DOSE_CHANGE] = np.nan
        done = int(code[Code.ACTION])
        for weights, jump, jump_var in actions(self.g, done, seen, dt):
            if weights[self.state].any():
                to = State(int(np.argmax(weights[self.state])))
                self._jump(float(jump[self.state, to]), float(jump_var[self.state, to]))
                self.state = to
        self.operated[:, k] = bool(done & CATHETER_OPERATIONS), bool(done & PUMP_OPERATIONS)
        if done & _NEW_CATHETER:
            self.catheter_from = float(row[Col.T])
        if done & _NEW_PUMP:
            self.pump_from, self.refills = float(row[Col.T]), 0
