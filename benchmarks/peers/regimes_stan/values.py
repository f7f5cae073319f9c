"""What the Stan program estimates: which value stands where, and its prior.

The program has three vectors, by the support of their priors: normal, log-normal and beta. Stan's
transform of each is that of the package, so both unconstrained scales hold the same numbers in
another order and the same Jacobian belongs to both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS
from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec, ResolvedPrior

FAMILIES = ("normal", "lognormal", "beta")
"""Families of priors, in the order of the program's vectors."""
VECTORS = ("free", "positive", "share")
"""The program's names of those vectors."""


@dataclass(frozen=True)
class Values:
    """Every value that is estimated, in the order of the package.

    Attributes
    ----------
    names : tuple of str
        Name of the prior of each; several values of one prior (diagnoses, centres) are neighbours.
    families : tuple of str
    params : ndarray, shape (n, 2)
        Both numbers of each prior, in the order in which the specification has them.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    params: NDArray[np.float64]

    @property
    def order(self) -> NDArray[np.int64]:
        """Package's place of every value of the program, both counted from 0."""
        rank = np.array([FAMILIES.index(family) for family in self.families])
        return np.argsort(rank, kind="stable")

    @property
    def at(self) -> NDArray[np.int64]:
        """The program's place of every value of the package, both counted from 0."""
        return np.argsort(self.order)

    def place(self, name: str, index: int = 0) -> int:
        """Return where the program has a value, counted from 1; 0 where it is not estimated."""
        if name not in self.names:
            return 0
        return int(self.at[self.names.index(name) + index]) + 1

    def of_family(self, family: str) -> NDArray[np.float64]:
        """Return the numbers of all priors of a family, shape (n, 2)."""
        return self.params[[found == family for found in self.families]]


def values_of(spec: RegimesSpec, plan: RegimesPlan) -> Values:
    """List the values that a model estimates: those of :func:`itb_bayes.model.build_regimes`."""
    used = used_priors(plan)
    names: list[str] = []
    families: list[str] = []
    params: list[list[float]] = []
    for name, prior in spec.resolved_priors.items():
        if name not in used:
            continue
        for own in _by_group(name, prior, plan):
            if own.family not in FAMILIES:
                raise ValueError(f"the Stan program has no {own.family} prior ({name})")
            names.append(name)
            families.append(own.family)
            params.append(list(own.params.values()))
    return Values(tuple(names), tuple(families), np.array(params))


def _by_group(name: str, prior: ResolvedPrior, plan: RegimesPlan) -> list[ResolvedPrior]:
    """Return the prior of each value of one name."""
    if name in BY_DIAGNOSIS:
        return [prior.by.get(label, prior) for label in plan.diagnoses]
    if name in BY_CENTRE and plan.centres:
        return [prior] * len(plan.centres)
    return [prior]
