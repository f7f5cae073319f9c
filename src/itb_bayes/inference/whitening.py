"""Coordinates in which a posterior is nearly round: from its mode and its curvature there.

A diagonal metric cannot see parameters that go together, and learning scales from a start far away
takes most of a warm-up. Both are known before the first draw: the mode is some hundred gradients
away, the curvature there two gradients for each parameter. Draws are exact all the same, whatever
the coordinates; a poor guess only costs time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from itb_bayes.inference.density import Density, NotFiniteError

Array = NDArray[np.float64]

STEP = 1e-4
"""Half the distance (unconstrained scale) of the gradients that give a curvature."""
WIDEST = 2.0
"""Largest standard deviation (unconstrained scale) taken over from the curvature; a direction in
which the posterior is flatter, or not concave, gets this one."""
SPREAD = 2.0
"""Chains start uniformly within so many standard deviations of the mode they climb to."""
CLIMB = 400
"""Most iterations of a climb."""
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


def climb(density: Density, start: Array) -> Array:
    """Return the mode that is reached from ``start`` (n_dim,).

    A point at which the density is not finite ends a line search as a very low one would.
    """

    def descend(x: Array) -> tuple[float, Array]:
        try:
            value, gradient = density.evaluate(x)
        except NotFiniteError:
            return np.inf, np.zeros_like(x)
        return -value, -gradient

    found = minimize(
        descend, start, jac=True, method="L-BFGS-B", options={"maxiter": CLIMB, "maxcor": 20}
    )
    return np.asarray(found.x, dtype=np.float64)


def curvature(density: Density, x: Array) -> Array:
    """Return minus the matrix of second derivatives at ``x``, by central differences."""
    rows = []
    for i in range(density.n_dim):
        away = np.zeros(density.n_dim)
        away[i] = STEP
        above, below = (density.evaluate(x + sign * away)[1] for sign in (1.0, -1.0))
        rows.append((below - above) / (2.0 * STEP))
    found = np.array(rows)
    return 0.5 * (found + found.T)


def whiten(density: Density, start: Array) -> Whitening:
    """Return round coordinates, from the mode that is reached from ``start``."""
    # The number of threads of a matrix product must not change a digit of the draws.
    with threadpool_limits(1):
        centre = climb(density, start)
        values, vectors = np.linalg.eigh(curvature(density, centre))
        sd = 1.0 / np.sqrt(np.maximum(values, 1.0 / WIDEST**2))
        return Whitening(centre, vectors * sd, (vectors / sd).T)


def find_start(compiled: Any, density: Density, seed: int) -> Array:
    """Return a start point of the model with a finite density.

    Raises
    ------
    NoStartError
        If none is found in :data:`TRIES` tries.
    """
    for stream in np.random.SeedSequence(seed).generate_state(TRIES):
        start = np.asarray(compiled.initial_point_func(int(stream)), dtype=np.float64)
        try:
            density.evaluate(start)
        except NotFiniteError:
            continue
        return start
    raise NoStartError


def whitened_model(compiled: Any, seed: int) -> Any:
    """Return a model for nutpie in round coordinates, with the variables of ``compiled``.

    Every chain climbs from an own start of ``compiled`` (prior means, jittered) to the mode it
    finds, and starts at random around that: chains that find other modes stay apart, and R-hat
    says so.

    Parameters
    ----------
    compiled : nutpie compiled PyMC model
    seed : int
        Of the start from which the coordinates are found.

    Raises
    ------
    NoStartError
        If no start point has a finite density.
    """
    density = Density(compiled)
    white = whiten(density, find_start(compiled, density, seed))

    def make_density() -> Callable[[Array], tuple[float, Array]]:
        def evaluate(z: Array) -> tuple[float, Array]:
            value, gradient = density.evaluate(white.place(z))
            return value, white.scale.T @ gradient

        return evaluate

    def make_expand(*_: Any) -> Callable[[Array], dict[str, Array]]:
        return lambda z: density.expand(white.place(z))

    def start(chain_seed: int) -> Array:
        with threadpool_limits(1):
            mode = climb(density, find_start(compiled, density, chain_seed))
            around = np.random.default_rng(chain_seed).uniform(-SPREAD, SPREAD, density.n_dim)
            return white.coordinates(mode) + around

    names, _, shapes = compiled.shape_info
    return nutpie.compiled_pyfunc.from_pyfunc(
        density.n_dim, make_density, make_expand, [np.dtype(np.float64)] * len(names),
        list(shapes), list(names), coords=compiled.coords, dims=compiled.dims,
        make_initial_point_fn=start, reparameterized_names=compiled.reparameterized_names,
    )  # fmt: skip
