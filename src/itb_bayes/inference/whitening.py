"""Coordinates in which a posterior is nearly round: from its mode and its curvature there.

A diagonal metric cannot see parameters that go together, and learning scales from a start far away
takes most of a warm-up. Both are known before the first draw: the mode is some hundred gradients
away, the curvature there two gradients for each parameter. Draws are exact all the same, whatever
the coordinates; a poor guess only costs time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from nutpie.compiled_pyfunc import PyFuncModel
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from itb_bayes.inference.density import Density, LogDensity, NotFiniteError
from itb_bayes.inference.jax_model import PythonDensity, python_in_round_coordinates, start_of
from itb_bayes.inference.round_callbacks import in_round_coordinates

Array = NDArray[np.float64]

STEP = 1e-4
"""Half the distance (unconstrained scale) of the gradients that give a curvature."""
WIDEST = 2.0
"""Largest standard deviation (unconstrained scale) taken over from the curvature; a direction in
which the posterior is flatter, or not concave, gets this one."""
SPREAD = 2.0
"""Chains start uniformly within so many standard deviations of a mode."""
CLIMB = 150
"""Most iterations of one round of a climb."""
ROUNDS = 4
"""Most rounds of a climb."""
GAIN = 0.1
N_CLIMB = 4
"""Climbs from starts of their own, the best of :data:`TRIES`."""
REACH = 2.0
"""How far a round of a climb may lead in any parameter, on the unconstrained scale."""
REACH_WHITE = 12.0
"""The same in round coordinates."""
NEAR = 8.0
"""Modes so much lower in log density than the highest are left out: by their height they hold less
than a thousandth of the posterior."""
TRIES = 20
"""Start points that are tried."""


class NoStartError(ValueError):
    """No start point of the model has a finite density."""


@dataclass(frozen=True)
class Whitening:
    """Coordinates ``z`` of a point ``x = centre + scale z``.

    Attributes
    ----------
    centre : ndarray, shape (n_dim,)
    scale, inverse : ndarray, shape (n_dim, n_dim)
    """

    centre: Array
    scale: Array
    inverse: Array

    def place(self, z: Array) -> Array:
        """Return the point with coordinates ``z``."""
        return self.centre + self.scale @ z

    def coordinates(self, x: Array) -> Array:
        """Return the coordinates of a point."""
        return self.inverse @ (x - self.centre)


def climb(
    density: LogDensity,
    start: Array,
    white: Whitening | None = None,
    rounds: int = ROUNDS,
) -> Array:
    """Return where rounds of L-BFGS lead from ``start``, both in coordinates ``white``.

    A round stays within a box about its start: the first steps of a line search know no scale, and
    unbounded they leave for places from which nothing leads back.

    Parameters
    ----------
    density : Density
    start : ndarray, shape (n_dim,)
    white : Whitening, optional
        None: the unconstrained scale itself.
    rounds : int
        At most so many; one that gains less than :data:`GAIN` is the last.
    """
    reach = REACH if white is None else REACH_WHITE
    place, height = start, -np.inf
    for _ in range(rounds):
        found = minimize(
            _Descent(density, white), place, jac=True, method="L-BFGS-B",
            bounds=list(zip(place - reach, place + reach, strict=True)),
            options={"maxiter": CLIMB, "maxcor": 20},
        )  # fmt: skip
        place, gain, height = np.asarray(found.x), -found.fun - height, -found.fun
        if gain < GAIN:
            break
    return place


class _Descent:
    """Minus the log density and its gradient; where it is not finite, worse than all seen so far.

    An infinite value would make the interpolation of a line search, and with it the climb, end at
    its start.
    """

    def __init__(self, density: LogDensity, white: Whitening | None) -> None:
        self._density, self._white = density, white
        self._worst = -np.inf

    def __call__(self, z: Array) -> tuple[float, Array]:
        white = self._white
        try:
            value, gradient = self._density.evaluate(z if white is None else white.place(z))
        except NotFiniteError:
            return self._worst + 1.0, np.zeros_like(z)
        self._worst = max(self._worst, -value)
        return -value, -gradient if white is None else -(white.scale.T @ gradient)


def curvature(density: LogDensity, x: Array) -> Array:
    """Return minus the matrix of second derivatives at ``x``, by central differences."""
    rows = []
    for i in range(density.n_dim):
        away = np.zeros(density.n_dim)
        away[i] = STEP
        above, below = (density.evaluate(x + sign * away)[1] for sign in (1.0, -1.0))
        rows.append((below - above) / (2.0 * STEP))
    found = np.array(rows)
    return 0.5 * (found + found.T)


def whiten(density: LogDensity, centre: Array) -> Whitening:
    """Return coordinates that are round by the curvature at ``centre`` (n_dim,)."""
    values, vectors = np.linalg.eigh(curvature(density, centre))
    sd = 1.0 / np.sqrt(np.maximum(values, 1.0 / WIDEST**2))
    return Whitening(centre, vectors * sd, (vectors / sd).T)


@dataclass(frozen=True)
class Terrain:
    """What climbs have found of a posterior.

    Attributes
    ----------
    white : Whitening
        Round coordinates about the highest mode.
    modes : tuple of ndarrays, shape (n_dim,)
        The highest, and others hardly lower: :data:`NEAR`.
    """

    white: Whitening
    modes: tuple[Array, ...]


def survey(density: LogDensity, starts: Sequence[Array]) -> Terrain:
    """Climb from every start; the first climb gives the coordinates in which the others end."""
    white = whiten(density, climb(density, starts[0]))
    found = [white.centre]
    for start in starts[1:]:
        near = climb(density, start, rounds=1)
        found.append(white.place(climb(density, white.coordinates(near), white)))
    heights = [density.evaluate(mode)[0] for mode in found]
    best = int(np.argmax(heights))
    if best != 0 and _apart(white, found[best], found[0]):
        white = whiten(density, found[best])
    modes = [found[best]]
    for mode, height in zip(found, heights, strict=True):
        low = height < heights[best] - NEAR
        if not low and all(_apart(white, mode, other) for other in modes):
            modes.append(mode)
    return Terrain(white, tuple(modes))


def _apart(white: Whitening, one: Array, other: Array) -> bool:
    return bool(np.abs(white.inverse @ (one - other)).max() > 1.0)


def find_starts(compiled: Any, density: LogDensity, seed: int) -> list[Array]:
    """Return the best of many start points of the model, highest first.

    Raises
    ------
    NoStartError
        If none of :data:`TRIES` has a finite density.
    """
    found = []
    start_at = (
        start_of(compiled) if isinstance(compiled, PyFuncModel) else compiled.initial_point_func
    )
    for stream in np.random.SeedSequence(seed).generate_state(TRIES):
        start = start_at(int(stream))
        try:
            found.append((density.evaluate(start)[0], start))
        except NotFiniteError:
            continue
    if not found:
        raise NoStartError
    return [start for _, start in sorted(found, key=lambda pair: -pair[0])[:N_CLIMB]]


def whitened_model(compiled: Any, seed: int) -> Any:
    """Return a model for nutpie in round coordinates, with the variables of ``compiled``.

    From several starts of ``compiled`` (prior means, jittered) a mode is climbed to. Chains start
    at random around the highest, or around any of those hardly lower: chains that cannot pass from
    one to the other stay apart, and R-hat says so.

    Parameters
    ----------
    compiled : nutpie compiled PyMC model
        By numba or, asked from Python, by JAX.
    seed : int
        Of the starts.

    Raises
    ------
    NoStartError
        If no start point has a finite density.
    """
    from_python = isinstance(compiled, PyFuncModel)
    density: LogDensity = PythonDensity(compiled) if from_python else Density(compiled)
    # The number of threads of a matrix product must not change a digit of the draws.
    with threadpool_limits(1):
        terrain = survey(density, find_starts(compiled, density, seed))
    white = terrain.white

    def start(chain_seed: int) -> Array:
        rng = np.random.default_rng(chain_seed)
        mode = terrain.modes[rng.integers(len(terrain.modes))]
        with threadpool_limits(1):
            return white.coordinates(mode) + rng.uniform(-SPREAD, SPREAD, density.n_dim)

    rounded = python_in_round_coordinates if from_python else in_round_coordinates
    return rounded(compiled, white.centre, white.scale, start)
