"""The posterior given all centres, from moments of each.

On the scale of :mod:`itb_bayes.federate.scores` a centre's posterior is ``prior x likelihood``
with a standard normal prior. Read as normal with mean m and covariance V, its likelihood is
``exp(-x' P x / 2 + r' x)`` with ``P = V^-1 - I`` and ``r = V^-1 m``: the prior is divided out of
every centre and counted once. Where the centre knows less than the prior (a negative eigenvalue
of P: sampling noise, or a posterior that is not normal) it says nothing.

A centre's own level and drift lie around those of the population with standard deviations that
have priors. Given these two, everything is normal and integrated exactly; they are integrated over
a grid. This is a two-stage hierarchical analysis (Lunn et al. 2013, Stat Med 32:4236) with
normal site likelihoods as in one pass of expectation propagation (Vehtari et al. 2020, JMLR 21:17).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.federate.scores import Parameter

Array = NDArray[np.float64]

GRID = np.linspace(-4.0, 4.0, 41)
"""Scores of a standard deviation between centres."""

MOVING = ("level", "drift")
"""What differs between centres."""


@dataclass(frozen=True)
class Site:
    """The normal likelihood of one centre.

    Attributes
    ----------
    at : ndarray of int, shape (k,)
        Positions of its parameters among all.
    precision : ndarray, shape (k, k)
    shift : ndarray, shape (k,)
    less_than_prior : float
        Most negative eigenvalue of ``V^-1 - I``; 0 where there is none.
    """

    at: NDArray[np.int64]
    precision: Array
    shift: Array
    less_than_prior: float


def site_of(mean: Array, covariance: Array, at: NDArray[np.int64]) -> Site:
    """Return the likelihood of a centre whose posterior has these moments."""
    value, vector = np.linalg.eigh(covariance)
    gain = 1.0 / value - 1.0
    kept = np.maximum(gain, 0.0)
    precision = (vector * kept) @ vector.T
    # In directions that are kept, the mode of the likelihood is that of posterior over prior.
    shift = vector @ (np.where(gain > 0.0, 1.0 / value, 0.0) * (vector.T @ mean))
    return Site(at, precision, shift, float(min(gain.min(), 0.0)))


@dataclass(frozen=True)
class Combination:
    """Draws given all centres.

    Attributes
    ----------
    scores : ndarray, shape (n_draw, n_parameter)
    between : ndarray, shape (n_draw, 2)
        Scores of the standard deviations between centres of level and drift; empty second axis
        where centres do not differ.
    centre : ndarray, shape (n_draw, n_centre, 2)
        Standardised deviations of the centres.
    """

    scores: Array
    between: Array
    centre: Array


@dataclass(frozen=True)
class _Layout:
    """Where a site's parameters lie in ``x = (scores, deviations of centre 1, 2, ...)``."""

    parameters: Sequence[Parameter]
    scale: Array
    n_site: int

    @property
    def size(self) -> int:
        return len(self.parameters) + len(MOVING) * self.n_site

    def design(self, site: Site, number: int, sd: Array) -> Array:
        """Return A with ``A x`` the site's scores, given the spread between centres."""
        out = np.zeros((site.at.size, self.size))
        out[np.arange(site.at.size), site.at] = 1.0
        first = len(self.parameters) + len(MOVING) * number
        for row, at in enumerate(site.at):
            variable = self.parameters[at].variable
            if variable in MOVING:
                k = MOVING.index(variable)
                out[row, first + k] = sd[k] / self.scale[at]
        return out


def combine(
    sites: Sequence[Site], parameters: Sequence[Parameter], scale: Array,
    sd_of: Array | None, n_draw: int, seed: int,
) -> Combination:  # fmt: skip
    """Draw from the posterior given all centres.

    Parameters
    ----------
    sites : sequence of Site
    parameters : sequence of Parameter
        All parameters of any centre.
    scale : ndarray, shape (n_parameter,)
        Prior standard deviation of levels and drifts on the scale of the model; elsewhere unused.
    sd_of : ndarray, shape (2, n_grid), optional
        Standard deviations between centres of level and drift at the scores :data:`GRID`; None
        where centres do not differ.
    n_draw : int
    seed : int
    """
    rng = np.random.default_rng([seed, 0xFED])
    layout = _Layout(parameters, scale, len(sites) if sd_of is not None else 0)
    k = len(parameters)
    if sd_of is None:
        mean, lower, _ = _gaussian(layout, sites, np.zeros(2))
        x = mean + _noise(lower, rng.standard_normal((n_draw, layout.size)))
        return Combination(x, np.empty((n_draw, 0)), np.empty((n_draw, len(sites), 0)))
    n = GRID.size
    evidence = np.array(
        [
            [_gaussian(layout, sites, np.array([a, b]))[2] for b in sd_of[1]]
            for a in sd_of[0]
        ]
    )  # fmt: skip
    log_weight = evidence - 0.5 * (GRID[:, None] ** 2 + GRID[None, :] ** 2)
    weight = np.exp(log_weight - log_weight.max()).ravel()
    cells = _systematic(weight / weight.sum(), n_draw, rng)
    width = GRID[1] - GRID[0]
    between = np.stack([GRID[cells // n], GRID[cells % n]], axis=1)
    x = np.empty((n_draw, layout.size))
    for cell in np.unique(cells):
        rows = np.flatnonzero(cells == cell)
        sd = np.array([sd_of[0, cell // n], sd_of[1, cell % n]])
        mean, lower, _ = _gaussian(layout, sites, sd)
        x[rows] = mean + _noise(lower, rng.standard_normal((rows.size, layout.size)))
    between += width * (rng.random(between.shape) - 0.5)
    order = rng.permutation(n_draw)
    deviations = x[:, k:].reshape(n_draw, len(sites), len(MOVING))
    return Combination(x[order, :k], between[order], deviations[order])


def _gaussian(layout: _Layout, sites: Sequence[Site], sd: Array) -> tuple[Array, Array, float]:
    """Return mean, Cholesky factor of the precision, and log evidence."""
    precision, shift = np.eye(layout.size), np.zeros(layout.size)
    for number, site in enumerate(sites):
        design = layout.design(site, number, sd) if layout.n_site else _plain(layout, site)
        precision += design.T @ site.precision @ design
        shift += design.T @ site.shift
    lower = np.linalg.cholesky(precision)
    half = np.linalg.solve(lower, shift)
    log_evidence = 0.5 * float(half @ half) - float(np.log(np.diag(lower)).sum())
    return np.linalg.solve(lower.T, half), lower, log_evidence


def _plain(layout: _Layout, site: Site) -> Array:
    return np.eye(layout.size)[site.at]


def _noise(lower: Array, standard: Array) -> Array:
    return np.linalg.solve(lower.T, standard.T).T


def _systematic(weight: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    points = (np.arange(n) + rng.random()) / n
    return np.minimum(np.searchsorted(np.cumsum(weight), points), weight.size - 1)
