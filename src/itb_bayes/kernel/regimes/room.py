"""Memory that the filter and its reverse work in: set aside once, used patient after patient."""

from typing import Any, NamedTuple

import numpy as np

from itb_bayes.kernel.compiled import entry
from itb_bayes.kernel.regimes.actions import N_KIND
from itb_bayes.kernel.regimes.layout import N_STATE
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.kernel.regimes.tone import N_TONE
from itb_bayes.kernel.regimes.visit import N_KEPT

N_STAGE = 5
"""Beliefs kept of each step: before it, at its time, after tone, after spasms, weighted."""


class Room(NamedTuple):
    """Arrays for up to ``n`` steps of one patient; names ending in ``bar`` are adjoints."""

    tape: Any
    """Beliefs (n, 5, 11, 6): :data:`N_STAGE`."""
    totals: Any
    """Log of what the probabilities of a step summed to (n,)."""
    findings: Any
    """Likelihood of a step's findings in each state, over the largest (n, 11)."""
    kept: Any
    """What the readings of a visit leave for the reverse (n, 5, 11, 4)."""
    moves: Any
    """Transitions to each step (n, 11, 11)."""
    onset: Any
    """Mean jump of the requirement on going from a state to another (11, 11)."""
    onset_var: Any
    """Its variance."""
    p: Any
    """Weights of one action from state to state (11, 11)."""
    jump: Any
    """Its mean jump of the requirement."""
    jump_var: Any
    """The variance of that."""
    chain: Any
    """Belief before each action of a step and after the last (7, 11, 6)."""
    acted: Any
    """Log of what the probabilities summed to after each action (6,)."""
    kinds: Any
    """Which actions they were (6,)."""
    bar: Any
    """Of the belief (11, 6)."""
    spare_bar: Any
    """Of the belief before (11, 6)."""
    finding_bar: Any
    """Of the log-likelihoods of findings (11,)."""
    tone_bar: Any
    """Of the tone of a visit (11, 4)."""
    p_bar: Any
    """Of transitions (11, 11)."""
    jump_bar: Any
    """Of jumps (11, 11)."""
    jump_var_bar: Any
    """Of their variances (11, 11)."""


@entry
def make_room(n: int) -> Any:
    """Set aside a :class:`Room` for patients of up to ``n`` steps."""
    pairs = np.zeros((8, N_STATE, N_STATE))
    return Room(
        np.empty((n, N_STAGE, N_STATE, N_BELIEF)),
        np.empty(n),
        np.empty((n, N_STATE)),
        np.empty((n, N_KEPT, N_STATE, N_TONE)),
        np.zeros((n, N_STATE, N_STATE)),
        pairs[0],
        pairs[1],
        pairs[2],
        pairs[3],
        pairs[4],
        np.empty((N_KIND + 1, N_STATE, N_BELIEF)),
        np.empty(N_KIND),
        np.empty(N_KIND, dtype=np.int64),
        np.empty((N_STATE, N_BELIEF)),
        np.empty((N_STATE, N_BELIEF)),
        np.empty(N_STATE),
        np.empty((N_STATE, N_TONE)),
        pairs[5],
        pairs[6],
        pairs[7],
    )
