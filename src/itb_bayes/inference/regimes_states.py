"""What the filter says about every patient, for each draw of the population parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.layout import EXPLANATION_OF_STATE, EXPLANATIONS, N_STATE
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]

COLLAPSE = np.zeros((N_STATE, len(EXPLANATIONS)))
COLLAPSE[np.arange(N_STATE), EXPLANATION_OF_STATE] = 1.0
"""Sums states to explanations: ``states @ COLLAPSE``."""


@dataclass(frozen=True)
class StateDraws:
    """Filtered beliefs about all patients; first axis is the draw.

    Attributes
    ----------
    log_likelihood : ndarray, shape (n_draw, n_patient)
    now : ndarray, shape (n_draw, n_patient, 6)
        Probability of every explanation after the last step, before its actions.
    after : ndarray, shape (n_draw, n_patient, 11, 6)
        Belief after the last step and its actions, from which the future starts.
    """

    log_likelihood: Array
    now: Array
    after: Array


def filter_patients(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int], None] | None = None,
) -> StateDraws:
    """Run the filter over all patients for every draw.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
    on_draw : callable, optional
        Called with the number of draws done.
    """
    n_draw, n = draws.n_draw, plan.n_patient
    out = StateDraws(
        np.empty((n_draw, n)),
        np.empty((n_draw, n, len(EXPLANATIONS))),
        np.empty((n_draw, n, N_STATE, N_BELIEF)),
    )
    last = plan.offsets[1:] - 1

    def run(s: int) -> None:
        ll, belief, after, _, _ = trace(
            draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets
        )
        out.log_likelihood[s] = ll
        out.now[s] = belief[last, :, 0] @ COLLAPSE
        out.after[s] = after

    map_in_threads(run, n_draw, on_draw)
    return out


def explanations_now(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int], None] | None = None,
) -> Array:
    """Return ``now`` of :func:`filter_patients` alone: a hundredth of the memory.

    Returns
    -------
    ndarray, shape (n_draw, n_patient, 6)
    """
    now = np.empty((draws.n_draw, plan.n_patient, len(EXPLANATIONS)))
    last = plan.offsets[1:] - 1

    def run(s: int) -> None:
        belief = trace(draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets)[1]
        now[s] = belief[last, :, 0] @ COLLAPSE

    map_in_threads(run, draws.n_draw, on_draw)
    return now


def filter_visits(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float32], Array]:
    """Run the filter over all patients for every draw, keeping every step.

    Returns
    -------
    probability : ndarray of float32, shape (n_draw, n_step, 6)
        Of every explanation at each step, from what was known then.
    log_likelihood : ndarray, shape (n_draw, n_step)
        Of a patient's records up to and including each step.
    """
    n_draw, n_step = draws.n_draw, int(plan.offsets[-1])
    probability = np.empty((n_draw, n_step, len(EXPLANATIONS)), dtype=np.float32)
    total = np.empty((n_draw, n_step))
    starts = np.repeat(plan.offsets[:-1], np.diff(plan.offsets))

    def run(s: int) -> None:
        _, belief, _, _, step_ll = trace(
            draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets
        )
        probability[s] = belief[:, :, 0] @ COLLAPSE
        summed = np.concatenate([[0.0], np.cumsum(step_ll)])
        total[s] = summed[1:] - summed[starts]

    map_in_threads(run, n_draw, on_draw)
    return probability, total
