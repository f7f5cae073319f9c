"""Whether a combination of centres can be believed: what each centre gave, and where it leads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.federate.product import MOVING, Combination, Site
from itb_bayes.federate.release import Release
from itb_bayes.federate.scores import Parameter

Array = NDArray[np.float64]

INFORMED = 0.2
"""Share of the prior's variance that a centre must have taken away for its shape to matter."""

LARGEST_DISTANCE = 0.08
"""Between the distribution function of a margin and the normal one."""

LEAST_EIGENVALUE = -0.35
"""Of ``V^-1 - I``; below it the centre's posterior is wider than the prior by half and more."""

LEAST_WITHIN = 0.5
"""Share of the combined posterior that must lie within a centre's reach."""


@dataclass(frozen=True)
class Verdict:
    """One criterion for one centre.

    Attributes
    ----------
    centre, criterion : str
    value, limit : float
    worst : str
        Parameter that decides; empty where it is all of them.
    passed : bool
    """

    centre: str
    criterion: str
    value: float
    limit: float
    worst: str
    passed: bool


def judge_combination(
    releases: Sequence[Release], sites: Sequence[Site], parameters: Sequence[Parameter],
    scale: Array, sd_of_draws: Array, found: Combination,
) -> tuple[Verdict, ...]:  # fmt: skip
    """Judge a combination, three criteria for every centre.

    - *shape*: margins of its posterior are near normal wherever it has learned something.
    - *width*: nowhere is its posterior much wider than the prior, which would be divided out.
    - *reach*: the combined posterior lies where the centre has draws, not in its tails, where its
      normal approximation says nothing.

    Parameters
    ----------
    sd_of_draws : ndarray, shape (n_draw, 2)
        Standard deviations between centres of level and drift; zeros where they do not differ.
    """
    verdicts = []
    for number, (release, site) in enumerate(zip(releases, sites, strict=True)):
        covariance = np.array(release.covariance)
        informed = np.diag(covariance) < 1.0 - INFORMED
        distance = np.where(informed, release.distance, 0.0)
        worst = int(np.argmax(distance))
        within = _within_reach(release, site, number, parameters, scale, sd_of_draws, found)
        verdicts += [
            Verdict(
                release.centre, "shape", float(distance[worst]), LARGEST_DISTANCE,
                release.names[worst] if informed.any() else "",
                bool(distance[worst] <= LARGEST_DISTANCE),
            ),
            Verdict(
                release.centre, "width", site.less_than_prior, LEAST_EIGENVALUE, "",
                site.less_than_prior >= LEAST_EIGENVALUE,
            ),
            Verdict(release.centre, "reach", within, LEAST_WITHIN, "", within >= LEAST_WITHIN),
        ]  # fmt: skip
    return tuple(verdicts)


def _within_reach(
    release: Release, site: Site, number: int, parameters: Sequence[Parameter], scale: Array,
    sd_of_draws: Array, found: Combination,
) -> float:  # fmt: skip
    """Return the share of combined draws of a centre's parameters within its reach."""
    own = found.scores[:, site.at].copy()
    if found.between.size:
        for column, at in enumerate(site.at):
            variable = parameters[at].variable
            if variable in MOVING:
                k = MOVING.index(variable)
                own[:, column] += sd_of_draws[:, k] * found.centre[:, number, k] / scale[at]
    lower = np.linalg.cholesky(np.array(release.covariance))
    away = np.linalg.solve(lower, (own - np.array(release.mean)).T)
    return float((np.sqrt((away**2).sum(axis=0)) <= release.reach).mean())
