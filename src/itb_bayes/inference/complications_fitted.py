"""Complications fits on disk."""

from functools import cached_property
from typing import ClassVar

import numpy as np
import xarray as xr

from itb_bayes.inference.stored import StoredFit
from itb_bayes.model.complications_plan import ComplicationsPlan
from itb_bayes.spec import ComplicationsSpec

_STREAM = 0xC0


class ComplicationsFit(StoredFit[ComplicationsSpec, ComplicationsPlan]):
    """A fitted complications model."""

    unconverged_help: ClassVar[str] = "a complications fit prints nothing until it has converged."

    @cached_property
    def typical(self) -> xr.DataArray:
        """Rate of the typical centre per patient-year, dims (chain, draw, complication)."""
        return typical_rates(self.plan, self.posterior)

    @cached_property
    def new_centre(self) -> xr.DataArray:
        """Rate of a centre that is not in the table, dims (chain, draw, complication)."""
        spread = self.posterior["between_sd"]
        rng = np.random.default_rng([self.seed, _STREAM])
        return self.typical * np.exp(spread * rng.standard_normal(spread.shape))


def typical_rates(plan: ComplicationsPlan, posterior: xr.Dataset) -> xr.DataArray:
    """Return the rates of the typical centre, dims (chain, draw, complication)."""
    rates = [posterior[f"{name}_rate"] for name in plan.complications]
    joined = xr.concat(rates, dim="complication").transpose("chain", "draw", "complication")
    return joined.assign_coords(complication=list(plan.complications)).rename("typical")


def reported_rates(plan: ComplicationsPlan, posterior: xr.Dataset) -> xr.Dataset:
    """Return the reported quantities on the log scale, on which they are about symmetric."""
    return xr.Dataset(
        {"typical": np.log(typical_rates(plan, posterior)), "study": np.log(posterior["rate"])}
    )
