"""What the next possible test would do to each probability, and which is worth most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, xlogy

from itb_bayes.inference.regimes_states import COLLAPSE
from itb_bayes.kernel.regimes.findings import REFILL_OUTLIER
from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    EXPLANATIONS,
    N_STATE,
    TOLERANCE_STATES,
    Par,
    State,
)

Array = NDArray[np.float64]

SHORTFALL = 0.2
"""Undelivered share at which clinics act (usual action rule 20 to 25 %)."""

HOLIDAY_DROP = np.log(1.2)
"""A requirement lower by a sixth after a holiday counts as a reset."""

HOLIDAY_SD = 0.15
"""How well a requirement can be read off the months after a holiday, log dose."""


@dataclass(frozen=True)
class Outcome:
    """One possible outcome of a test.

    Attributes
    ----------
    name : str
    probability : float
    after : dict
        Explanation to its probability given this outcome.
    """

    name: str
    probability: float
    after: dict[str, float]


@dataclass(frozen=True)
class NextTest:
    """A test that could be done.

    Attributes
    ----------
    name : str
    outcomes : tuple of Outcome
    worth_bits : float
        Expected fall of the uncertainty about the explanation (mutual information, bits).
    """

    name: str
    outcomes: tuple[Outcome, ...]
    worth_bits: float


def next_tests(g: Array, states: Array, weight: Array) -> tuple[NextTest, ...]:
    """Return all tests, the one worth most first.

    Parameters
    ----------
    g : ndarray, shape (n_draw, 74)
    states : ndarray, shape (n_draw, 11)
        Probability of every state now.
    weight : ndarray, shape (n_draw,)
        Weights of the draws.
    """
    found = [
        _weigh(name, chances, states, weight)
        for name, chances in (
            ("interrogation and volume", _volume(g)),
            ("dye study", _dye(g)),
            ("rotor study", _rotor(g)),
            ("drug holiday", _holiday(g)),
        )
    ]
    return tuple(sorted(found, key=lambda test: -test.worth_bits))


def _weigh(name: str, chances: dict[str, Array], states: Array, weight: Array) -> NextTest:
    before = weight @ (states @ COLLAPSE)
    outcomes = []
    for outcome, chance in chances.items():
        joint = weight @ ((states * chance) @ COLLAPSE)
        total = float(joint.sum())
        after = joint / total if total > 0.0 else before
        values = dict(zip(EXPLANATIONS, map(float, after), strict=True))
        outcomes.append(Outcome(outcome, total, values))
    remaining = sum(o.probability * _entropy(np.array(list(o.after.values()))) for o in outcomes)
    return NextTest(name, tuple(outcomes), max(_entropy(before) - remaining, 0.0))


def _entropy(p: Array) -> float:
    return float(-xlogy(p, p).sum() / np.log(2.0))


def _by_state(base: Array, special: Array, states: tuple[State, ...]) -> Array:
    """Return (n_draw, 11) with ``special`` in some states and ``base`` in the others."""
    out = np.repeat(base[:, None], N_STATE, axis=1)
    out[:, [int(s) for s in states]] = special[:, None]
    return out


def _dye(g: Array) -> dict[str, Array]:
    blocked = _by_state(g[:, Par.BLOCKED_INTACT], g[:, Par.BLOCKED_FAULT], CATHETER_STATES)
    positive = _by_state(g[:, Par.DYE_FALSE], g[:, Par.DYE_SENSITIVITY], CATHETER_STATES)
    return {
        "positive": (1.0 - blocked) * positive,
        "negative": (1.0 - blocked) * (1.0 - positive),
        "cannot be aspirated": blocked,
    }


def _rotor(g: Array) -> dict[str, Array]:
    positive = _by_state(g[:, Par.ROTOR_FALSE], g[:, Par.ROTOR_SENSITIVITY], (State.PUMP,))
    return {"positive": positive, "negative": 1.0 - positive}


def _volume(g: Array) -> dict[str, Array]:
    noise = 1.25 * g[:, Par.REFILL_VAR]
    mean, var = g[:, Par.REFILL_PUMP], g[:, Par.REFILL_PUMP_VAR]
    outlier = 0.5 * REFILL_OUTLIER
    plain = (1.0 - REFILL_OUTLIER) * ndtr(-SHORTFALL / np.sqrt(noise)) + outlier
    pump = (1.0 - REFILL_OUTLIER) * ndtr((mean - SHORTFALL) / np.sqrt(noise + var)) + outlier
    much = _by_state(plain, pump, (State.PUMP,))
    return {"volume left behind": much, "volume as expected": 1.0 - much}


def _holiday(g: Array) -> dict[str, Array]:
    var = g[:, Par.WANDER_VAR] * 0.25 + HOLIDAY_SD**2
    other = ndtr(-HOLIDAY_DROP / np.sqrt(var))
    reset = ndtr((g[:, Par.RESET_DROP] - HOLIDAY_DROP) / np.sqrt(var + g[:, Par.RESET_VAR]))
    lower = _by_state(other, reset, TOLERANCE_STATES)
    return {"requirement lower afterwards": lower, "requirement as before": 1.0 - lower}
