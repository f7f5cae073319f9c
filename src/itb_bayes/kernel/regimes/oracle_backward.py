"""Plain numpy reference of smoothing and of path sampling: Gaussians conditioned by linear algebra.

Slow and obvious on purpose, and written apart from the compiled code; tests compare
:mod:`itb_bayes.kernel.regimes.smoother` and :mod:`itb_bayes.kernel.regimes.paths` with it. Every
move adds a Gaussian to the pair of requirement and spasm offset, so pair before and pair after are
jointly Gaussian, and either is had from the other by the textbook formula.
"""

from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    LOST_VAR,
    N_INTACT,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle import (
    Belief,
    mix,
    normal,
    normalise,
    start,
    step,
    wild_density,
    with_tone,
)
from itb_bayes.kernel.regimes.oracle_moves import actions, drift, named, transition_matrix

Array = NDArray[Any]
S = State


@dataclass(frozen=True)
class Move:
    """One move of the filter: the belief before it, weights, and what it adds to the requirement.

    Attributes
    ----------
    before : Belief
    weights, mean, var : ndarray, shape (11, 11)
        From state to state.
    """

    before: Belief
    weights: Array
    mean: Array
    var: Array


@dataclass(frozen=True)
class Stop:
    """One step of the filter, as going back needs it.

    Attributes
    ----------
    row, code : namespaces
    arrival : Move or None
        The time before it; None at the first step, and where no time went by.
    expected : Belief
        Just before its readings.
    actions : tuple of Move
        In their order.
    """

    row: SimpleNamespace
    code: SimpleNamespace
    arrival: Move | None
    expected: Belief
    actions: tuple[Move, ...]


def forward(
    g: SimpleNamespace, own: SimpleNamespace, data: Array, codes: Array
) -> tuple[list[Stop], Belief]:
    """Run the reference filter over one patient; return its steps and the last belief."""
    belief, stops = start(g, data[0, Col.LOG_DOSE], float), []
    for k in range(len(data)):
        row, code = named(data[k], Col), named(codes[k], Code)
        dt = 0.0 if k == 0 else row.t - data[k - 1, Col.T]
        arrival = _arrival(g, own, row, dt, deepcopy(belief)) if dt > 0.0 else None
        expected = deepcopy(belief)
        if arrival is not None:
            mix(expected, arrival.weights, arrival.mean, arrival.var)
        step(g, own, row, code, dt, belief)
        done = []
        for weights, jump, jump_var in actions(g, int(code.action), row, dt):
            done.append(Move(deepcopy(belief), weights, jump, jump_var))
            mix(belief, weights, jump, jump_var)
            normalise(belief)
        stops.append(Stop(row, code, arrival, expected, tuple(done)))
    return stops, belief


def _arrival(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, dt: float, before: Belief
) -> Move:
    mean, var = np.zeros((2, len(S), len(S)))
    mean[S.STABLE, S.TOLERANCE_SETTLED] = g.tolerance_step
    var[S.STABLE, S.TOLERANCE_SETTLED] = g.tolerance_step_var
    mean[:N_INTACT, S.CATHETER_PARTIAL] = g.leak_step
    var[:N_INTACT, S.CATHETER_PARTIAL] = g.leak_step_var
    rise, spread = drift(g, own, row.t, dt)
    weights = transition_matrix(g, own, row.t, dt, row.catheter_age, row.pump_age)
    return Move(before, weights, mean + rise, var + spread)


def source_weights(move: Move, to: int, pair: Array) -> Array:
    """Return the probability of each state before a move, given state and pair after it."""
    log_weight = np.full(len(S), -np.inf)
    for s in np.flatnonzero(move.before.probability * move.weights[:, to] > 0.0):
        covariance = move.before.covariance[s] + np.diag([move.var[s, to], 0.0])
        away = pair - move.before.mean[s] - np.array([move.mean[s, to], 0.0])
        _, log_det = np.linalg.slogdet(covariance)
        log_weight[s] = np.log(move.before.probability[s] * move.weights[s, to])
        log_weight[s] -= 0.5 * (log_det + away @ np.linalg.solve(covariance, away))
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def recall(move: Move, s: int, to: int) -> tuple[Array, Array, Array]:
    """Return constant (2,), slopes (2, 2) and covariance left of the pair before a move."""
    mean, covariance = move.before.mean[s], move.before.covariance[s]
    after = covariance + np.diag([move.var[s, to], 0.0])
    slopes = np.linalg.solve(after, covariance).T
    constant = mean - slopes @ (mean + np.array([move.mean[s, to], 0.0]))
    return constant, slopes, covariance - slopes @ covariance


@dataclass(frozen=True)
class Lost:
    """Whether a reading of tone put the requirement where it is, and where it was if so.

    Attributes
    ----------
    probability : float
    was, variance : float
        The requirement before, given the offset and any spasm score.
    slope : float
        Of ``was`` in the offset.
    """

    probability: float
    was: float = np.nan
    slope: float = np.nan
    variance: float = np.nan


def lost(g: SimpleNamespace, own: SimpleNamespace, stop: Stop, s: int, pair: Array) -> Lost:
    """Return what requirement and offset after a visit say of a requirement that was lost.

    Before the visit requirement, offset and tone are one Gaussian of state ``s``; the readings are
    two more quantities of it where they say something.
    """
    row = stop.row
    if np.isnan(row.ashworth):
        return Lost(0.0)
    visit = with_tone(g, own, row, stop.code, stop.expected)
    # Requirement, offset, tone, reading, spasm score.
    turn = np.zeros((5, 3))
    turn[:3] = np.eye(3)
    turn[3, 2] = 1.0
    turn[4, 1], turn[4, 2] = 1.0, g.penn_slope
    mean = turn @ visit.mean[s] + np.array([0.0, 0.0, 0.0, 0.0, g.penn_intercept])
    joint = turn @ visit.covariance[s] @ turn.T + np.diag([0.0, 0.0, 0.0, own.tone_var, g.penn_var])

    def given(of: list[int], known: list[int], values: list[float]) -> tuple[Array, Array, Array]:
        """Return mean and covariance of some quantities given others, and the slopes in these."""
        inside = joint[np.ix_(known, known)]
        slopes = np.linalg.solve(inside, joint[np.ix_(known, of)]).T
        middle = mean[of] + slopes @ (np.array(values) - mean[known])
        return middle, joint[np.ix_(of, of)] - slopes @ joint[np.ix_(known, of)], slopes

    def density(of: list[int], x: list[float], known: list[int], values: list[float]) -> float:
        if not of:
            return 1.0
        middle, spread, _ = given(of, known, values)
        return float(multivariate_normal.pdf(np.array(x), middle, spread))

    need, offset = float(pair[0]), float(pair[1])
    tone_wild = g.outlier * wild_density(row.ashworth)
    spasms = [] if np.isnan(row.penn) else [4]
    # Of the spasm score: that it is a reading, or that it says nothing.
    ways = [((1.0 - g.outlier), spasms)]
    if spasms:
        ways.append((g.outlier * wild_density(row.penn), []))
    here = density([0], [need], [1], [offset])
    stayed = moved = 0.0
    old = []
    for weight, read_too in ways if spasms else [(1.0, [])]:
        seen = [row.penn] * len(read_too)
        fits = density([3, *read_too], [row.ashworth, *seen], [0, 1], [need, offset])
        silent = density(read_too, seen, [0, 1], [need, offset])
        stayed += weight * ((1.0 - g.outlier) * fits + tone_wild * (1.0 - LOST_SHARE) * silent)
        from_offset = weight * density(read_too, seen, [1], [offset])
        moved += tone_wild * LOST_SHARE * from_offset
        middle, spread, slopes = given([0], [1, *read_too], [offset, *seen])
        old.append((from_offset, middle[0], slopes[0, 0], spread[0, 0]))
    stayed *= here
    moved *= normal(need, row.log_dose, LOST_VAR)
    shares = np.array([weight for weight, *_ in old])
    shares /= shares.sum()
    middles, slopes_in, spreads = (np.array(column) for column in list(zip(*old, strict=True))[1:])
    was, slope = shares @ middles, shares @ slopes_in
    variance = shares @ (spreads + (middles - was) ** 2)
    return Lost(float(moved / (moved + stayed)), float(was), float(slope), float(variance))


def oracle_smooth(g: Array, own: Array, data: Array, codes: Array) -> Belief:
    """Return the smoothed beliefs of one patient.

    Returns
    -------
    Belief
        With a first axis over steps.
    """
    pars, me = named(g, Par), named(own, Own)
    stops, belief = forward(pars, me, data, codes)
    out = []
    for stop in reversed(stops):
        for move in reversed(stop.actions):
            belief = _pull_back(move, belief)
        out.append(belief)
        if stop.arrival is not None:
            belief = _pull_back(stop.arrival, _find_lost(pars, me, stop, belief))
        elif stop is not stops[0]:
            belief = _find_lost(pars, me, stop, belief)
    out.reverse()
    return Belief(*(np.array([getattr(b, name) for b in out]) for name in vars(belief)))


def _pull_back(move: Move, later: Belief) -> Belief:
    parts: list[list[tuple[float, Array, Array]]] = [[] for _ in S]
    for to in np.flatnonzero(later.probability > 0.0).tolist():
        share = later.probability[to] * source_weights(move, to, later.mean[to])
        for s in np.flatnonzero(share > 0.0).tolist():
            constant, slopes, left = recall(move, s, to)
            covariance = slopes @ later.covariance[to] @ slopes.T + left
            parts[s].append((share[s], constant + slopes @ later.mean[to], covariance))
    return _merge(parts, move.before)


def _find_lost(g: SimpleNamespace, own: SimpleNamespace, stop: Stop, later: Belief) -> Belief:
    parts: list[list[tuple[float, Array, Array]]] = [[] for _ in S]
    for s in np.flatnonzero(later.probability > 0.0).tolist():
        found = lost(g, own, stop, s, later.mean[s])
        weight, offset = later.probability[s], later.mean[s, 1]
        parts[s].append((weight * (1.0 - found.probability), later.mean[s], later.covariance[s]))
        if found.probability > 0.0:
            slopes = np.array([[0.0, found.slope], [0.0, 1.0]])
            covariance = slopes @ later.covariance[s] @ slopes.T + np.diag([found.variance, 0.0])
            at = np.array([found.was, offset])
            parts[s].append((weight * found.probability, at, covariance))
    return _merge(parts, stop.expected)


def _merge(parts: list[list[tuple[float, Array, Array]]], where_none: Belief) -> Belief:
    """Replace the mixture of each state by the Gaussian of equal moments."""
    out = deepcopy(where_none)
    for s, found in enumerate(parts):
        total = sum(weight for weight, _, _ in found)
        out.probability[s] = total
        if total > 0.0:
            mean = sum(weight * at for weight, at, _ in found) / total
            spread = sum(w * (c + np.outer(at - mean, at - mean)) for w, at, c in found) / total
            out.mean[s], out.covariance[s] = mean, spread
    return out


def oracle_paths(
    g: Array, own: Array, data: Array, codes: Array, uniforms: Array, normals: Array
) -> tuple[Array, Array, Array]:
    """Draw courses of one patient; as :func:`itb_bayes.kernel.regimes.paths.sample_paths`."""
    pars, me = named(g, Par), named(own, Own)
    stops, end = forward(pars, me, data, codes)
    n, n_path = len(data), len(uniforms)
    state, after, need = np.empty((n_path, n)), np.empty((n_path, n)), np.empty((n_path, n))
    for r in range(n_path):
        s = int(np.searchsorted(np.cumsum(end.probability), uniforms[r, n, 0], side="right"))
        root = np.linalg.cholesky(end.covariance[s][::-1, ::-1])[::-1, ::-1]
        pair = end.mean[s] + root @ normals[r, n, :2]
        for k in range(n - 1, -1, -1):
            stop, u, z = stops[k], uniforms[r, k], normals[r, k]
            after[r, k] = s
            for j in range(len(stop.actions) - 1, -1, -1):
                s, pair = _step_back(stop.actions[j], s, pair, u[2 + j], z[2 + j])
            state[r, k], need[r, k] = s, pair[0]
            if k > 0:
                found = lost(pars, me, stop, s, pair)
                if u[1] < found.probability:
                    pair = np.array([found.was + np.sqrt(found.variance) * z[1], pair[1]])
            if stop.arrival is not None:
                s, pair = _step_back(stop.arrival, s, pair, u[0], z[0])
    return state, after, need


def _step_back(move: Move, to: int, pair: Array, u: float, z: float) -> tuple[int, Array]:
    weight = source_weights(move, to, pair)
    s = int(np.searchsorted(np.cumsum(weight), u, side="right"))
    constant, slopes, left = recall(move, s, to)
    before = constant + slopes @ pair
    # The root of what rounding leaves of nothing would be a hundred million times as large.
    before[0] += np.sqrt(left[0, 0] if left[0, 0] > 1e-13 else 0.0) * z
    return s, before
