"""A particle smoother of the regimes model: the oracle of what smoothing approximates.

The particle filter with its memory: every particle carries the states that it has been in, so the
weights after the last step are those of whole courses. Nothing is collapsed. Early steps are
remembered by few distinct ancestors; the spread between independent runs says how well.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import Code, Col, Own, Par, State
from itb_bayes.kernel.regimes.oracle_moves import actions, named
from itb_bayes.kernel.regimes.particle import (
    N_STATE,
    Cloud,
    begin,
    draw_sources,
    meet,
    onsets,
    wander,
)

Array = NDArray[Any]


def particle_smooth(
    g: Array, own: Array, data: Array, codes: Array, n: int, rng: np.random.Generator
) -> tuple[float, Array]:
    """Run the particle smoother over one patient.

    Parameters
    ----------
    g, own, data, codes, n, rng
        As :func:`itb_bayes.kernel.regimes.particle.particle_filter`.

    Returns
    -------
    (log_likelihood, probability) : float and ndarray, shape (n_step, 11)
        Smoothed probabilities of every state at each step, before its actions.
    """
    pars, me = named(g, Par), named(own, Own)
    cloud = begin(pars, float(data[0, Col.LOG_DOSE]), n, rng)
    past = np.zeros((N_STATE, n, len(data)), dtype=np.int8)
    ll = 0.0
    for k in range(len(data)):
        row, code = named(data[k], Col), named(codes[k], Code)
        dt = 0.0 if k == 0 else row.t - data[k - 1, Col.T]
        if dt > 0.0:
            cloud, past = _move(cloud, past, *onsets(pars, me, row, dt), rng)
            wander(pars, me, row, dt, cloud, rng)
        ll += meet(pars, me, row, code, dt, cloud, rng)
        past[:, :, k] = np.arange(N_STATE)[:, None]
        for weights, jump, jump_var in actions(pars, int(code.action), row, dt):
            cloud, past = _move(cloud, past, weights, jump, jump_var, rng)
            ll += cloud.normalise()
    probability = np.empty((len(data), N_STATE))
    for s in State:
        probability[:, s] = np.einsum("um,umk->k", cloud.weight, past == s)
    return ll, probability


def _move(
    cloud: Cloud, past: Array, p: Array, jump: Array, jump_var: Array, rng: np.random.Generator
) -> tuple[Cloud, Array]:
    """Draw the particles of every regime, with their past, among those that may come there."""
    n = cloud.need.shape[1]
    need, offset = np.empty_like(cloud.need), np.empty_like(cloud.offset)
    weight, remembered = np.zeros_like(cloud.weight), np.empty_like(past)
    for u in range(N_STATE):
        sources = np.flatnonzero((p[:, u] > 0.0) & (cloud.probability > 0.0))
        if sources.size == 0:
            need[u], offset[u], remembered[u] = cloud.need[u], cloud.offset[u], past[u]
            continue
        s, i, weight[u] = draw_sources(cloud, sources, p[sources, u], rng)
        need[u] = cloud.need[s, i] + jump[s, u]
        need[u] += np.sqrt(jump_var[s, u]) * rng.standard_normal(n)
        offset[u], remembered[u] = cloud.offset[s, i], past[s, i]
    return Cloud(need, offset, weight), remembered
