"""The switching filter, a turn of all patients at a time: one program for NumPy and for JAX.

The compiled kernel takes patients one after the other, which suits a processor of few lanes; here
every operation is one on arrays of all patients. Gradients are for JAX to work out.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from itb_bayes.kernel.regimes.layout import N_STATE, START_ELSEWHERE, Col, Own, Par, State
from itb_bayes.kernel.regimes_arrays.belief import Belief, mix
from itb_bayes.kernel.regimes_arrays.findings import findings
from itb_bayes.kernel.regimes_arrays.moves import action, drift, jumps, transitions
from itb_bayes.kernel.regimes_arrays.readings import habit, meet, readings_of, response_of
from itb_bayes.kernel.regimes_arrays.rows import STEP, Steps

Here = tuple[Any, Any, Any, Any]
"""Data (n_patient, 15), codes (n_patient, 8), dt (n_patient,) and kind (n_patient,) of a turn."""
Turn = Callable[[Belief, Here], tuple[Belief, Any]]
Loop = Callable[[Turn, Belief, Here], Any]
"""From a turn, the first belief and all turns to what the turns gave, (n_turn, n_patient)."""


def one_after_the_other(turn: Turn, first: Belief, turns: Here) -> Any:
    """Return what the turns give, in a plain loop."""
    belief, given = first, []
    for here in zip(*turns, strict=True):
        belief, total = turn(belief, here)
        given.append(total)
    return np.stack(given)


def log_likelihood(
    xp: Any, g: Any, own: Any, turns: Here, kinds: tuple[int, ...],
    loop: Loop = one_after_the_other,
) -> Any:  # fmt: skip
    """Return the log-likelihood of each patient, shape (n_patient,).

    Parameters
    ----------
    xp : module
        ``numpy`` or ``jax.numpy``, of whose arrays all others are.
    g : array, shape (81,)
    own : array, shape (n_patient, 6)
        As the kernel takes them.
    turns : tuple of arrays
        Those of :class:`itb_bayes.kernel.regimes_arrays.rows.Turns`: data, codes, dt, kind.
    kinds : tuple of int
        Actions that occur.
    loop : callable
        How turns follow one another.
    """
    pars = named_parameters(g)
    mine = SimpleNamespace(**{name.name.lower(): own[:, int(name)] for name in Own})
    gains = jumps(xp, pars)
    response = response_of(xp, pars)

    def turn(belief: Belief, here: Here) -> tuple[Belief, Any]:
        data, codes, dt, kind = here
        steps, is_step = Steps(data, codes, dt, xp), kind == STEP
        belief = mix(xp, belief, *_moves(xp, pars, mine, steps, kind, kinds, gains))
        gain, gain_var = (xp.where(is_step[:, None], x, 0.0) for x in drift(xp, pars, mine, steps))
        belief = belief._replace(need=belief.need + gain, need_var=belief.need_var + gain_var)
        read = readings_of(xp, pars, mine, steps)
        read = read._replace(
            tone_there=read.tone_there * is_step, penn_there=read.penn_there * is_step
        )
        belief = meet(xp, response, mine, read, belief)
        found = xp.where(is_step[:, None], findings(xp, pars, steps), 0.0)
        done = xp.where(is_step, habit(xp, pars, mine, steps), 0.0)
        belief, total = weigh(xp, belief, found)
        return belief, total + done

    first = start(xp, pars, turns[0][0][:, int(Col.LOG_DOSE)])
    return loop(turn, first, turns).sum(axis=0)


def named_parameters(g: Any) -> SimpleNamespace:
    """Return the population vector (81,) by name."""
    return SimpleNamespace(**{par.name.lower(): g[int(par)] for par in Par})


def weigh(xp: Any, belief: Belief, found: Any) -> tuple[Belief, Any]:
    """Weigh states by log-likelihoods (n_patient, 11); return the log of what is divided by too."""
    top = found.max(axis=1)
    weight = belief.probability * xp.exp(found - top[:, None])
    total = weight.sum(axis=1)
    return belief._replace(probability=weight / total[:, None]), xp.log(total) + top


def start(xp: Any, g: SimpleNamespace, log_dose: Any) -> Belief:
    """Return the belief before the first turn: stable, but nothing is impossible."""
    probability = np.full(N_STATE, START_ELSEWHERE)
    probability[State.STABLE] = 1.0 - START_ELSEWHERE * (N_STATE - 1)
    zeros = xp.zeros((log_dose.shape[0], N_STATE))
    return Belief(
        zeros + probability,
        zeros + log_dose[:, None] + g.start_gap,
        zeros,
        zeros + g.start_var,
        zeros,
        zeros + g.penn_patient_var,
    )


def _moves(
    xp: Any, g: SimpleNamespace, own: SimpleNamespace, steps: Steps, kind: Any,
    kinds: tuple[int, ...], gains: tuple[Any, Any],
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return weights, jumps and their variances of a turn, each (n_patient, 11, 11)."""
    is_step = (kind == STEP)[:, None, None]
    moves = (
        xp.where(is_step, transitions(xp, g, own, steps), np.eye(N_STATE)),
        xp.where(is_step, gains[0], 0.0),
        xp.where(is_step, gains[1], 0.0),
    )
    for one in kinds:
        here = (kind == one)[:, None, None]
        acted = action(xp, g, one, steps)
        moves = tuple(xp.where(here, new, old) for new, old in zip(acted, moves, strict=True))
    return moves
