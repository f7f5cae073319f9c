"""Moving from state to state: probabilities mix, and each state keeps two moments.

A state holds a probability and the mean and covariance of two quantities of the patient, the log
requirement and the offset of his spasm score. When several states lead to one, their Gaussians are
replaced by the Gaussian with the same two moments (interacting multiple models; Blom and
Bar-Shalom 1988, IEEE Trans Automat Contr 33:780). Rows of ``belief`` are
``probability, mean, mean offset, var, cov, var offset``.
"""

from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE

N_BELIEF = 6


@part
def mix(before: Any, p: Any, jump: Any, jump_var: Any, after: Any) -> None:
    """Mix ``before`` (9, 6) into ``after`` by weights ``p[from, to]``.

    ``jump`` and ``jump_var`` (9, 9) are added to the requirement of whoever goes from a state to
    another. Weights need not sum to one: likelihood factors of an event may be folded in.
    """
    for u in range(N_STATE):
        total = 0.0
        m0 = m1 = c00 = c01 = c11 = 0.0
        for s in range(N_STATE):
            n = before[s, 0] * p[s, u]
            if n > 0.0:
                total += n
                m0 += n * (before[s, 1] + jump[s, u])
                m1 += n * before[s, 2]
        after[u, 0] = total
        if total <= 0.0:
            for k in range(1, N_BELIEF):
                after[u, k] = before[u, k]
            continue
        m0 /= total
        m1 /= total
        for s in range(N_STATE):
            n = before[s, 0] * p[s, u]
            if n > 0.0:
                a = n / total
                d0 = before[s, 1] + jump[s, u] - m0
                d1 = before[s, 2] - m1
                c00 += a * (before[s, 3] + jump_var[s, u] + d0 * d0)
                c01 += a * (before[s, 4] + d0 * d1)
                c11 += a * (before[s, 5] + d1 * d1)
        after[u, 1] = m0
        after[u, 2] = m1
        after[u, 3] = c00
        after[u, 4] = c01
        after[u, 5] = c11


@part
def mix_adjoint(
    before: Any, p: Any, jump: Any, jump_var: Any, after: Any, bar: Any,
    before_bar: Any, p_bar: Any, jump_bar: Any, jump_var_bar: Any,
) -> None:  # fmt: skip
    """Pull ``bar`` (9, 6), the adjoint of ``after``, back; the other adjoints are overwritten."""
    before_bar[:, :] = 0.0
    p_bar[:, :] = 0.0
    jump_bar[:, :] = 0.0
    jump_var_bar[:, :] = 0.0
    for u in range(N_STATE):
        total = after[u, 0]
        if total <= 0.0:
            for s in range(N_STATE):
                if before[s, 0] > 0.0:
                    p_bar[s, u] = bar[u, 0] * before[s, 0]
            continue
        b1, b2, b3, b4, b5 = bar[u, 1], bar[u, 2], bar[u, 3], bar[u, 4], bar[u, 5]
        mean_bar = 0.0
        for s in range(N_STATE):
            n = before[s, 0] * p[s, u]
            if n > 0.0:
                a = n / total
                x0 = before[s, 1] + jump[s, u]
                d0 = x0 - after[u, 1]
                d1 = before[s, 2] - after[u, 2]
                a_bar = b1 * x0 + b2 * before[s, 2]
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
        for s in range(N_STATE):
            if before[s, 0] * p[s, u] > 0.0:
                n_bar = (p_bar[s, u] - mean_bar) / total + bar[u, 0]
                before_bar[s, 0] += n_bar * p[s, u]
                p_bar[s, u] = n_bar * before[s, 0]
