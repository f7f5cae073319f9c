"""Moving from state to state: probabilities mix, and each state keeps two moments.

A state holds a probability and the mean and covariance of two quantities of the patient, the log
requirement and the offset of the spasm score. When several states lead to one, their Gaussians are
replaced by the Gaussian with the same two moments (interacting multiple models; Blom and
Bar-Shalom 1988, IEEE Trans Automat Contr 33:780). Rows of ``belief`` are
``probability, mean, mean offset, var, cov, var offset``.
"""

from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE

N_BELIEF = 6

_SOURCES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    (0, 1),
    (0, 2),
    (0, 2, 3),
    (0, 4),
    (0, 1, 2, 3, 4, 5),
    (0, 1, 2, 3, 4, 6),
    (0, 1, 2, 3, 4, 7),
    (5, 6, 7, 8),
    (0, 1, 2, 3, 4, 9),
    (0, 1, 2, 3, 4, 10),
)
"""Of every state the states that may lead to it, by time or by an action."""

FROM = np.array([s for sources in _SOURCES for s in sources])
FIRST = np.array([0, *np.cumsum([len(sources) for sources in _SOURCES])])


@part
def copy(source: Any, target: Any) -> None:
    """Copy one table of states into another, number by number.

    An assignment of whole arrays asks whether they overlap and may set memory aside for that.
    """
    for s in range(source.shape[0]):
        for k in range(source.shape[1]):
            target[s, k] = source[s, k]


@part
def mix(before: Any, p: Any, jump: Any, jump_var: Any, after: Any) -> None:
    """Mix ``before`` (11, 6) into ``after`` by weights ``p[from, to]``.

    ``jump`` and ``jump_var`` (11, 11) are added to the requirement of whoever goes from a state to
    another. Weights need not sum to one: likelihood factors of an event may be folded in. Moments
    are taken about the state's own mean, so that nothing is lost to cancellation.
    """
    for u in range(N_STATE):
        about0, about1 = before[u, 1], before[u, 2]
        total = 0.0
        m0 = m1 = c00 = c01 = c11 = 0.0
        for j in range(FIRST[u], FIRST[u + 1]):
            s = FROM[j]
            n = before[s, 0] * p[s, u]
            d0 = before[s, 1] + jump[s, u] - about0
            d1 = before[s, 2] - about1
            total += n
            m0 += n * d0
            m1 += n * d1
            c00 += n * (before[s, 3] + jump_var[s, u] + d0 * d0)
            c01 += n * (before[s, 4] + d0 * d1)
            c11 += n * (before[s, 5] + d1 * d1)
        after[u, 0] = total
        if total <= 0.0:
            for k in range(1, N_BELIEF):
                after[u, k] = before[u, k]
            continue
        m0 /= total
        m1 /= total
        after[u, 1] = about0 + m0
        after[u, 2] = about1 + m1
        after[u, 3] = c00 / total - m0 * m0
        after[u, 4] = c01 / total - m0 * m1
        after[u, 5] = c11 / total - m1 * m1


@part
def mix_adjoint(
    before: Any, p: Any, jump: Any, jump_var: Any, after: Any, bar: Any,
    before_bar: Any, p_bar: Any, jump_bar: Any, jump_var_bar: Any,
) -> None:  # fmt: skip
    """Pull ``bar`` (11, 6), the adjoint of ``after``, back; the other adjoints are overwritten.

    Only the pairs of states that can follow one another are touched in the others.
    """
    before_bar[:, :] = 0.0
    for u in range(N_STATE):
        total = after[u, 0]
        if total <= 0.0:
            for j in range(FIRST[u], FIRST[u + 1]):
                s = FROM[j]
                p_bar[s, u] = bar[u, 0] * before[s, 0]
                jump_bar[s, u] = 0.0
                jump_var_bar[s, u] = 0.0
            continue
        b1, b2, b3, b4, b5 = bar[u, 1], bar[u, 2], bar[u, 3], bar[u, 4], bar[u, 5]
        mean_bar = 0.0
        for j in range(FIRST[u], FIRST[u + 1]):
            s = FROM[j]
            a = before[s, 0] * p[s, u] / total
            d0 = before[s, 1] + jump[s, u] - after[u, 1]
            d1 = before[s, 2] - after[u, 2]
            a_bar = b1 * d0 + b2 * d1
            a_bar += b3 * (before[s, 3] + jump_var[s, u] + d0 * d0)
            a_bar += b4 * (before[s, 4] + d0 * d1) + b5 * (before[s, 5] + d1 * d1)
            x_bar = a * (b1 + 2.0 * b3 * d0 + b4 * d1)
            before_bar[s, 1] += x_bar
            before_bar[s, 2] += a * (b2 + 2.0 * b5 * d1 + b4 * d0)
            before_bar[s, 3] += a * b3
            before_bar[s, 4] += a * b4
            before_bar[s, 5] += a * b5
            jump_bar[s, u] = x_bar
            jump_var_bar[s, u] = a * b3
            p_bar[s, u] = a_bar
            mean_bar += a * a_bar
        for j in range(FIRST[u], FIRST[u + 1]):
            s = FROM[j]
            n_bar = (p_bar[s, u] - mean_bar) / total + bar[u, 0]
            before_bar[s, 0] += n_bar * p[s, u]
            p_bar[s, u] = n_bar * before[s, 0]
