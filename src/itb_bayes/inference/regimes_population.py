"""Posterior draws of a regimes fit as the arrays that its kernels read."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.inference.population import flatten
from itb_bayes.kernel.regimes.layout import N_OWN, N_PAR
from itb_bayes.model.regimes_parameters import kernel_parameters
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RegimesDraws:
    """Kernel parameters of S draws.

    Attributes
    ----------
    g : ndarray, shape (n_draw, N_PAR)
    own : ndarray, shape (n_draw, n_patient, N_OWN)
    """

    g: Array
    own: Array

    @property
    def n_draw(self) -> int:
        """Number of draws."""
        return int(self.g.shape[0])

    def of_patient(self, patient: int) -> "RegimesDraws":
        """Return the draws of a single patient."""
        return RegimesDraws(self.g, self.own[:, patient : patient + 1])


def regimes_draws(plan: RegimesPlan, posterior: xr.Dataset) -> RegimesDraws:
    """Rebuild kernel parameters from posterior draws, by the algebra of the PyMC graph.

    Parameters
    ----------
    plan : RegimesPlan
        The fitted plan, or one of other patients laid out by the same terms.
    posterior : xarray.Dataset
        Variables of :func:`itb_bayes.model.regimes.build_regimes`, dims (chain, draw, ...).
    """
    flat = flatten(posterior)
    arrays = {str(name): array.to_numpy() for name, array in flat.data_vars.items()}
    n_draw = flat.sizes["sample"]
    out = RegimesDraws(np.empty((n_draw, N_PAR)), np.empty((n_draw, plan.n_patient, N_OWN)))
    for s in range(n_draw):
        values = {name: array[s] for name, array in arrays.items()}
        out.g[s], out.own[s] = kernel_parameters(values, plan, np)
    return out
