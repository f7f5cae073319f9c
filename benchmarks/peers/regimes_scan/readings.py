"""Tone, spasms and dose changes: what is read at every turn, and how a belief meets it."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    OUTLIER_DENSITY,
    WIDEST_CHANGE,
    Code,
    Col,
    State,
)
from peers.regimes_scan.belief import Belief, Reading, read, root_two_pi, three_points, where
from peers.regimes_scan.findings import normal, recorded
from peers.regimes_scan.rows import Rows
from peers.regimes_scan.states import by_state

S = State


class Readings(NamedTuple):
    """What was read at each step, each (n_step,); flags are 1 or 0.

    Attributes
    ----------
    log_dose, potency
        Dose in force, and what a bolus mode adds to its effect.
    tone, tone_there
        Ashworth, or what a dose change without one answers to, and whether there is either.
    added_var
        Variance besides that of a reading.
    wild_density, lost
        Density of a tone that says nothing, and the share of those that lose the requirement.
    left_alone, changed
        Whether a dose without a reading was left, or was not.
    penn, penn_there
        Spasm score and whether there is one.
    """

    log_dose: Any
    potency: Any
    tone: Any
    tone_there: Any
    added_var: Any
    wild_density: Any
    lost: Any
    left_alone: Any
    changed: Any
    penn: Any
    penn_there: Any


def response_of(g: SimpleNamespace) -> SimpleNamespace:
    """Return the parameters that :func:`meet` takes: numbers, and vectors over states."""
    names = ("hill", "outlier", "gain", "dose_var", "still", "still_var", "penn_intercept",
             "penn_slope", "penn_var")  # fmt: skip
    return SimpleNamespace(
        **{name: getattr(g, name) for name in names},
        loss=by_state({S.CATHETER_SEVERE: g.loss_severe, S.PUMP: g.loss_pump}),
        loss_var=by_state({S.CATHETER_SEVERE: g.loss_severe_var, S.PUMP: g.loss_pump_var}),
        trigger=by_state({S.TRIGGER: g.trigger_tone}),
        trigger_var=by_state({S.TRIGGER: g.trigger_tone_var}),
    )


def readings_of(g: SimpleNamespace, own: SimpleNamespace, rows: Rows) -> Readings:
    """Lay out what was read; a dose change whose reading was not written down stands for it."""
    scored, ashworth = recorded(rows.column(Col.ASHWORTH))
    decided, change = recorded(rows.column(Col.DOSE_CHANGE))
    left = decided & ~scored & (change == 0.0)
    changed = decided & ~scored & (change != 0.0)
    answered = own.goal + change / g.gain
    penn_there, penn = recorded(rows.column(Col.PENN))
    as_number = [flag.astype(np.float64) for flag in (scored | left | changed, left, changed)]
    return Readings(
        log_dose=rows.column(Col.LOG_DOSE),
        potency=g.bolus_potency * rows.code(Code.BOLUS),
        tone=pt.where(scored, ashworth, answered),
        tone_there=as_number[0],
        added_var=left * g.still_var + changed * g.dose_var / g.gain**2,
        wild_density=pt.where(changed, any_change(g), OUTLIER_DENSITY),
        lost=LOST_SHARE * scored,
        left_alone=as_number[1],
        changed=as_number[2],
        penn=penn,
        penn_there=penn_there.astype(np.float64),
    )


def any_change(g: SimpleNamespace) -> Any:
    """Return the density of a reading behind a change that follows no rule."""
    return g.gain * 0.5 / WIDEST_CHANGE


def habit(g: SimpleNamespace, own: SimpleNamespace, rows: Rows) -> Any:
    """Return the log-probability of dose changes given the readings written down, (n_step,)."""
    scored, ashworth = recorded(rows.column(Col.ASHWORTH))
    decided, change = recorded(rows.column(Col.DOSE_CHANGE))
    e = ashworth - own.goal
    still = g.still * pt.exp(-0.5 * e**2 / g.still_var)
    by_rule = (1.0 - still) * normal(change, g.gain * e, g.dose_var)
    left = pt.log((1.0 - g.unruled) * still + g.unruled * 0.5)
    moved = pt.log((1.0 - g.unruled) * by_rule + g.unruled * 0.5 / (2.0 * WIDEST_CHANGE))
    return (scored & decided) * pt.where(change == 0.0, left, moved)


def meet(g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief) -> Belief:
    """Update a belief by tone and spasms of one turn; ``own`` and ``here`` are (n_patient,) each."""
    expected, slope, noise = tone(g, own, here, belief)
    added = here.added_var[:, None]
    reading = Reading(here.tone[:, None], expected, slope, 0.0, noise + added)
    about = here.log_dose[:, None]
    told = read(belief, reading, g.outlier, here.wild_density[:, None], here.lost[:, None], about)
    constant = g.still * root_two_pi(g.still_var)
    weight = pt.where(
        here.changed[:, None] > 0.0,
        _changed(g, own, here, belief, (expected, slope, noise)),
        told.probability * pt.where(here.left_alone[:, None] > 0.0, constant, 1.0),
    )
    belief = where(here.tone_there[:, None] > 0.0, told._replace(probability=weight), belief)
    expected, slope, noise = tone(g, own, here, belief)
    reading = Reading(
        here.penn[:, None],
        g.penn_intercept + g.penn_slope * expected + belief.offset,
        g.penn_slope * slope,
        1.0,
        g.penn_var + g.penn_slope**2 * (noise - own.tone_var[:, None]),
    )
    told = read(belief, reading, g.outlier, OUTLIER_DENSITY, 0.0, 0.0)
    return where(here.penn_there[:, None] > 0.0, told, belief)


def tone(
    g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief
) -> tuple[Any, Any, Any]:
    """Return expected tone, its slope on the requirement and the variance of one reading."""
    untreated = own.untreated[:, None]
    gap = belief.need - (here.log_dose + here.potency)[:, None]

    def response(x: Any) -> Any:
        return untreated / (1.0 + (untreated - 1.0) * pt.exp(-g.hill * x))

    # The share that a fault lets through differs from reading to reading.
    spread = belief.need_var + g.loss_var + 1e-16
    expected, slope, around = three_points(gap + g.loss, spread, response)
    noise = own.tone_var[:, None] + around - slope**2 * belief.need_var
    return expected + g.trigger, slope, noise + g.trigger_var


def _changed(
    g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief,
    expectation: tuple[Any, Any, Any],
) -> Any:  # fmt: skip
    """Return the weight of each state after a change of dose whose reading is not known.

    That it was changed at all is weighed at the reading as it is known once the change is.
    """
    expected, slope, noise = expectation
    goal, answered = own.goal[:, None], here.tone[:, None]
    var = g.dose_var / g.gain**2
    constant = g.still * root_two_pi(g.still_var)
    prior = slope**2 * belief.need_var + noise
    told_var = 1.0 / (1.0 / prior + 1.0 / var)
    told = told_var * (expected / prior + answered / var)
    # E[exp(-x**2 / 2w)] of a Gaussian x is its density under the added variance, up to a constant.
    left = constant * normal(told, goal, told_var + g.still_var)
    left_wild = constant * normal(answered, goal, var + g.still_var)
    fits = (1.0 - g.outlier) * normal(answered, expected, prior + var) * (1.0 - left)
    wild = g.outlier * any_change(g) * (1.0 - left_wild)
    return belief.probability * (fits + wild) / g.gain
