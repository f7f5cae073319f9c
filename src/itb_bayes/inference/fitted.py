"""Fits on disk: what was fitted, its draws, and whether they may be believed.

Loading a fit needs neither PyMC nor a sampler, so commands that only read one start quickly.
"""

from functools import cached_property
from pathlib import Path

import xarray as xr

from itb_bayes.errors import ModelError
from itb_bayes.inference import plan_store, stored
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.patients import PatientDraws, draw_patients
from itb_bayes.inference.population import PopulationDraws, population_draws
from itb_bayes.inference.stored import StoredFit
from itb_bayes.model.plan import REVISION, DriftPlan
from itb_bayes.spec import DriftSpec

PATIENT_DRAWS_PER_CHAIN = 500
"""Posterior draws per chain used for patients' conditionals (which are exact given a draw)."""


class Fit(StoredFit[DriftSpec, DriftPlan]):
    """A fitted drift model."""

    @cached_property
    def estimands(self) -> xr.Dataset:
        """Population estimands per draw; see :func:`drift_estimands`."""
        return drift_estimands(self.spec, self.plan, self.posterior)

    @cached_property
    def thinned(self) -> PopulationDraws:
        """Population parameters of the draws used for patients."""
        return population_draws(self.spec, self.plan, thin(self.posterior))

    def patients(self, horizons_months: tuple[float, ...] = (12.0,)) -> PatientDraws:
        """Draw the patients' effects and futures from their exact conditionals."""
        return draw_patients(self.plan, self.thinned, self.seed, horizons_months)

    @classmethod
    def load(cls, folder: Path | str) -> "Fit":
        """Load a fit and verify it.

        Raises
        ------
        UsageError
            If the folder is no fit, or any file differs from what was written.
        """
        folder = Path(folder)
        manifest, spec = stored.open_fit(folder)
        if not isinstance(spec, DriftSpec):
            raise ModelError(
                f"{folder} is a fit of kind {spec.kind!r}; this needs a fit of kind 'drift'."
                + (
                    " Use `itb-bayes risk` or `itb-bayes score` on it."
                    if spec.kind == "regimes"
                    else ""
                )
            )
        found: Fit = stored.read_fit(cls, folder, (manifest, spec), REVISION, plan_store.read_plan)
        return found


def thin(posterior: xr.Dataset) -> xr.Dataset:
    """Return at most :data:`PATIENT_DRAWS_PER_CHAIN` evenly spaced draws of each chain."""
    return stored.thin(posterior, PATIENT_DRAWS_PER_CHAIN)
