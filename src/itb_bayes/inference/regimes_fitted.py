"""Regimes fits on disk."""

from functools import cached_property
from typing import ClassVar

import xarray as xr

from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.stored import StoredFit, thin
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec

PATIENT_DRAWS_PER_CHAIN = 250
"""Posterior draws per chain used for patients; the filter is exact given a draw."""


class RegimesFit(StoredFit[RegimesSpec, RegimesPlan]):
    """A fitted regimes model."""

    unconverged_help: ClassVar[str] = (
        "`risk`, `score` and `report` print numbers marked as not to be used under "
        "--allow-unconverged."
    )

    @cached_property
    def thinned(self) -> xr.Dataset:
        """Draws used for patients, dims (chain, draw, ...)."""
        return thin(self.posterior, PATIENT_DRAWS_PER_CHAIN)

    def population(self, plan: RegimesPlan | None = None) -> RegimesDraws:
        """Return kernel parameters of the thinned draws, for the fitted patients or others."""
        return regimes_draws(self.plan if plan is None else plan, self.thinned)
