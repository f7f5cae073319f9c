"""The switching filter as one ``pytensor.scan`` over visits, all patients side by side."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad
from pytensor.scan.basic import scan

from itb_bayes.kernel.regimes.layout import N_STATE, Col, Own
from itb_bayes.kernel.regimes_arrays.belief import Belief, mix
from itb_bayes.kernel.regimes_arrays.findings import findings
from itb_bayes.kernel.regimes_arrays.likelihood import named_parameters, start
from itb_bayes.kernel.regimes_arrays.moves import action, drift, jumps, transitions
from itb_bayes.kernel.regimes_arrays.readings import (
    Readings,
    habit,
    meet,
    readings_of,
    response_of,
)
from itb_bayes.model.regimes_plan import RegimesPlan
from peers.regimes_scan.rows import Rows, rows_of


def log_likelihood(g: Any, own: Any, plan: RegimesPlan) -> Any:
    """Return the log-likelihood of all patients together.

    Parameters
    ----------
    g : tensor, shape (81,)
    own : tensor, shape (n_patient, 6)
        As the kernel takes them.
    plan : RegimesPlan
    """
    pars = named_parameters(g)
    mine = SimpleNamespace(**{name.name.lower(): own[:, name] for name in Own})
    rows = rows_of(plan)
    of_steps = SimpleNamespace(**{k: v[rows.patient] for k, v in vars(mine).items()})
    sequences = _sequences(pars, of_steps, rows)
    n_sequence = len(sequences)
    first = start(pt, pars, rows.steps.column(Col.LOG_DOSE)[rows.order[0]])
    response = vars(response_of(pt, pars))
    needed = {name: getattr(mine, name) for name in ("untreated", "tone_var", "goal")}

    def turn(*everything: Any) -> list[Any]:
        here, rest = everything[:n_sequence], everything[n_sequence:]
        belief, values = Belief(*rest[: len(first)]), rest[len(first) :]
        named = dict(zip((*response, *needed), values, strict=True))
        own_here = SimpleNamespace(**{name: named.pop(name) for name in needed})
        return _turn(SimpleNamespace(**named), own_here, here, belief)

    outputs = scan(
        turn, sequences=sequences, outputs_info=[*first, None],
        non_sequences=[*response.values(), *needed.values()], strict=True, return_updates=False,
    )  # fmt: skip
    return outputs[-1].sum() + habit(pt, pars, of_steps, rows.steps).sum()


def _turn(
    g: SimpleNamespace, own: SimpleNamespace, here: Sequence[Any], belief: Belief
) -> list[Any]:
    """Return the belief after one turn and the log-likelihood of it, (n_patient,)."""
    p, jump, jump_var, gain, gain_var, found = here[:6]
    belief = mix(pt, belief, p, jump, jump_var)
    belief = belief._replace(need=belief.need + gain, need_var=belief.need_var + gain_var)
    belief = meet(pt, g, own, Readings(*here[6:]), belief)
    top = disconnected_grad(found.max(axis=1))
    weight = belief.probability * pt.exp(found - top[:, None])
    total = weight.sum(axis=1)
    belief = belief._replace(probability=weight / total[:, None])
    return [*belief, pt.log(total) + top]


def _sequences(g: SimpleNamespace, own: SimpleNamespace, rows: Rows) -> list[Any]:
    """Return what every turn needs, each (n_turn, n_patient, ...)."""
    n_step = rows.steps.dt.size
    jump, jump_var = jumps(pt, g)
    square = (n_step, N_STATE, N_STATE)
    moves = [[transitions(pt, g, own, rows.steps)], [pt.broadcast_to(jump, square)],
             [pt.broadcast_to(jump_var, square)]]  # fmt: skip
    for kind, steps in rows.actions.items():
        for rest, more in zip(moves, action(pt, g, kind, rows.at(steps)), strict=True):
            rest.append(more)
    n_action = sum(steps.size for steps in rows.actions.values())
    blank = [pt.eye(N_STATE)[None], *[pt.zeros((1, N_STATE, N_STATE))] * 2]
    square_ones = [pt.concatenate([*rest, last]) for rest, last in zip(moves, blank, strict=True)]

    def padded(values: Any) -> Any:
        """Add rows in which nothing happens."""
        values = pt.as_tensor(values, dtype="float64")
        shape = (n_action + 1,) if values.ndim == 1 else (n_action + 1, N_STATE)
        return pt.concatenate([values, pt.zeros(shape)])

    others = [
        *drift(pt, g, own, rows.steps),
        findings(pt, g, rows.steps),
        *readings_of(pt, g, own, rows.steps),
    ]
    order = pt.as_tensor_variable(rows.order)
    return [values[order] for values in (*square_ones, *map(padded, others))]
