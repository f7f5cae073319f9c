"""Tone, spasms and dose changes: what is read at every turn, and how a belief meets it."""

from types import SimpleNamespace
from typing import Any, NamedTuple

from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    OFF_SCALE_DENSITY,
    OUTLIER_DENSITY,
    SCALE_POINTS,
    UNRULED_NOT_CHANGED,
    WIDEST_CHANGE,
    Code,
    Col,
    State,
)
from itb_bayes.kernel.regimes_arrays.belief import (
    Belief,
    Reading,
    Tone,
    read,
    root_two_pi,
    three_points,
    where,
)
from itb_bayes.kernel.regimes_arrays.rows import Steps
from itb_bayes.kernel.regimes_arrays.states import by_state, normal

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


def response_of(xp: Any, g: SimpleNamespace) -> SimpleNamespace:
    """Return the parameters that :func:`meet` takes: numbers, and vectors over states."""
    names = ("hill", "outlier", "gain", "dose_var", "still", "still_var", "penn_intercept",
             "penn_slope", "penn_var")  # fmt: skip
    return SimpleNamespace(
        **{name: getattr(g, name) for name in names},
        loss=by_state(xp, {S.CATHETER_SEVERE: g.loss_severe, S.PUMP: g.loss_pump}),
        loss_var=by_state(xp, {S.CATHETER_SEVERE: g.loss_severe_var, S.PUMP: g.loss_pump_var}),
        trigger=by_state(xp, {S.TRIGGER: g.trigger_tone}),
        trigger_var=by_state(xp, {S.TRIGGER: g.trigger_tone_var}),
    )


def readings_of(xp: Any, g: SimpleNamespace, own: SimpleNamespace, rows: Steps) -> Readings:
    """Lay out what was read; a dose change whose reading was not written down stands for it."""
    scored, ashworth = rows.recorded(Col.ASHWORTH)
    decided, change = rows.recorded(Col.DOSE_CHANGE)
    left = decided & ~scored & (change == 0.0)
    changed = decided & ~scored & (change != 0.0)
    answered = own.goal + change / g.gain
    penn_there, penn = rows.recorded(Col.PENN)
    as_number = [flag.astype("float64") for flag in (scored | left | changed, left, changed)]
    return Readings(
        log_dose=rows.column(Col.LOG_DOSE),
        potency=g.bolus_potency * rows.code(Code.BOLUS),
        tone=xp.where(scored, ashworth, answered),
        tone_there=as_number[0],
        added_var=left * g.still_var + changed * g.dose_var / g.gain**2,
        wild_density=xp.where(
            changed,
            g.gain * any_change(),
            xp.where(left, UNRULED_NOT_CHANGED / scale_of_still(xp, g), wild_density(xp, ashworth)),
        ),
        lost=LOST_SHARE * scored,
        left_alone=as_number[1],
        changed=as_number[2],
        penn=penn,
        penn_there=penn_there.astype("float64"),
    )


def any_change() -> float:
    """Return the density of a change of the log dose that follows no rule."""
    return (1.0 - UNRULED_NOT_CHANGED) / (2.0 * WIDEST_CHANGE)


def wild_density(xp: Any, x: Any) -> Any:
    """Return the density of a reading that says nothing."""
    return xp.where((x >= 0.0) & (x <= SCALE_POINTS), OUTLIER_DENSITY, OFF_SCALE_DENSITY)


def scale_of_still(xp: Any, g: SimpleNamespace) -> Any:
    """Return what makes a Gaussian density of the reading the chance of leaving the dose alone."""
    return g.still * root_two_pi(xp, g.still_var)


def habit(xp: Any, g: SimpleNamespace, own: SimpleNamespace, rows: Steps) -> Any:
    """Return the log-probability of dose changes given the readings written down, (n_step,)."""
    scored, ashworth = rows.recorded(Col.ASHWORTH)
    decided, change = rows.recorded(Col.DOSE_CHANGE)
    e = ashworth - own.goal
    still = g.still * xp.exp(-0.5 * e**2 / g.still_var)
    by_rule = (1.0 - still) * normal(xp, change, g.gain * e, g.dose_var)
    left = xp.log((1.0 - g.unruled) * still + g.unruled * UNRULED_NOT_CHANGED)
    moved = xp.log((1.0 - g.unruled) * by_rule + g.unruled * any_change())
    return (scored & decided) * xp.where(change == 0.0, left, moved)


def meet(
    xp: Any, g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief
) -> Belief:
    """Update a belief by tone and spasms of one turn; ``own``, ``here`` are (n_patient,) each."""
    seen = tone(xp, g, own, here, belief)
    noise = own.tone_var[:, None] + here.added_var[:, None]
    reading = Reading(
        here.tone[:, None], seen.mean, seen.var + noise, seen.need_cov, seen.offset_cov, seen.var
    )
    about = here.log_dose[:, None]
    told, told_tone = read(
        xp, belief, seen, reading, g.outlier, here.wild_density[:, None], here.lost[:, None], about
    )
    weight = xp.where(
        here.changed[:, None] > 0.0,
        _changed(xp, g, own, here, belief, seen),
        told.probability * xp.where(here.left_alone[:, None] > 0.0, scale_of_still(xp, g), 1.0),
    )
    there = here.tone_there[:, None] > 0.0
    belief = where(xp, there, told._replace(probability=weight), belief)
    seen = where(xp, there, told_tone, seen)
    beta = g.penn_slope
    need_cov = beta * seen.need_cov + belief.both_cov
    offset_cov = beta * seen.offset_cov + belief.offset_var
    reading = Reading(
        here.penn[:, None],
        g.penn_intercept + beta * seen.mean + belief.offset,
        beta**2 * seen.var + beta * seen.offset_cov + offset_cov + g.penn_var,
        need_cov,
        offset_cov,
        beta * seen.var + seen.offset_cov,
    )
    wild = wild_density(xp, here.penn)[:, None]
    told, _ = read(xp, belief, seen, reading, g.outlier, wild, 0.0, 0.0)
    return where(xp, here.penn_there[:, None] > 0.0, told, belief)


def tone(xp: Any, g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief) -> Tone:
    """Return the tone of a visit, of which everything is read."""
    untreated = own.untreated[:, None]
    gap = belief.need - (here.log_dose + here.potency)[:, None]

    def response(x: Any) -> Any:
        return untreated / (1.0 + (untreated - 1.0) * xp.exp(-g.hill * x))

    # The share that a fault lets through differs from visit to visit.
    spread = belief.need_var + g.loss_var + 1e-16
    expected, slope, around = three_points(xp, gap + g.loss, spread, response)
    return Tone(
        expected + g.trigger,
        around + g.trigger_var,
        slope * belief.need_var,
        slope * belief.both_cov,
    )


def _changed(
    xp: Any, g: SimpleNamespace, own: SimpleNamespace, here: Readings, belief: Belief, seen: Tone
) -> Any:
    """Return the weight of each state after a change of dose whose reading is not known.

    That it was changed at all is weighed at the reading as it is known once the change is.
    """
    goal, answered = own.goal[:, None], here.tone[:, None]
    var = g.dose_var / g.gain**2
    constant = scale_of_still(xp, g)
    prior = seen.var + own.tone_var[:, None]
    told_var = 1.0 / (1.0 / prior + 1.0 / var)
    told = told_var * (seen.mean / prior + answered / var)
    # E[exp(-x**2 / 2w)] of a Gaussian x is its density under the added variance, up to a constant.
    left = constant * normal(xp, told, goal, told_var + g.still_var)
    fits = (1.0 - g.outlier) * normal(xp, answered, seen.mean, prior + var) * (1.0 - left)
    return belief.probability * (fits / g.gain + g.outlier * any_change())
