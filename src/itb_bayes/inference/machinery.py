"""What differs between kinds of model when they are fitted, kept and loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from itb_bayes.errors import ModelError
from itb_bayes.inference import complications_store, plan_store, regimes_store, spasticity_store
from itb_bayes.inference.complications_fitted import ComplicationsFit, reported_rates
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.fitted import thin as thin_drift
from itb_bayes.inference.patients import draw_patients
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import explanations_now
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.spasticity_fitted import SpasticityFit, mean_scores
from itb_bayes.inference.stored import open_fit, read_fit, thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model import complications_plan, regimes_plan, spasticity_plan
from itb_bayes.model import plan as drift_plan
from itb_bayes.spec import ModelSpec

Reported = dict[str, xr.Dataset]

JUDGED_DRAWS_PER_CHAIN = 1000
"""Draws of each chain on which the gate judges the patients' explanations."""


@dataclass(frozen=True)
class Machinery:
    """How one kind of model is fitted, kept and loaded.

    Attributes
    ----------
    revision : int
        Meaning of the model's variables; fits of another one are refused.
    plan : callable
        (spec, cohort, until_years) to the plan.
    build : callable
        (spec, plan) to the PyMC model.
    reported : callable
        (spec, plan, posterior, settings, quiet) to the quantities that the gate judges.
    digest, write, write_set_aside, read : callable
        The plan on disk.
    n_set_aside : callable
        Plan to the number of readings and patients set aside.
    fit_class : type
        Of the loaded fit.
    build_on_arrays : callable, optional
        (spec, plan) to the same model as JAX takes it; None where there is no need of it.
    """

    revision: int
    plan: Callable[..., Any]
    build: Callable[[Any, Any], Any]
    reported: Callable[[Any, Any, xr.Dataset, SamplerSettings, bool], Reported]
    digest: Callable[[Any], str]
    write: Callable[[Any, Path], None]
    write_set_aside: Callable[[Any, Path], None]
    read: Callable[[Path], Any]
    n_set_aside: Callable[[Any], int]
    fit_class: Any
    build_on_arrays: Callable[[Any, Any], Any] | None = None


def _build_drift(spec: Any, plan: Any) -> Any:
    from itb_bayes.model.drift import build_drift  # PyMC is heavy, and loading a fit needs none

    return build_drift(spec, plan)


def _build_regimes(spec: Any, plan: Any) -> Any:
    from itb_bayes.model.regimes import build_regimes  # as above

    return build_regimes(spec, plan)


def _build_regimes_on_arrays(spec: Any, plan: Any) -> Any:
    from itb_bayes.model.regimes import build_regimes_on_arrays  # as above

    return build_regimes_on_arrays(spec, plan)


def _build_complications(spec: Any, plan: Any) -> Any:
    from itb_bayes.model.complications import build_complications  # as above

    return build_complications(spec, plan)


def _build_spasticity(spec: Any, plan: Any) -> Any:
    from itb_bayes.model.spasticity import build_spasticity  # as above

    return build_spasticity(spec, plan)


def _reported_drift(
    spec: Any, plan: Any, posterior: xr.Dataset, settings: SamplerSettings, quiet: bool
) -> Reported:
    """Population estimands, and every patient's drift and rise probability."""
    kept = thin_drift(posterior)
    progress = Progress("patients", plan.n_patient, quiet=quiet)
    patients = draw_patients(
        plan, population_draws(spec, plan, kept), settings.seed, on_patient=progress.update
    )
    shape = (kept.sizes["chain"], kept.sizes["draw"], plan.n_patient)
    dims = ("chain", "draw", "patient")
    quantities = xr.Dataset(
        {
            "drift_mean": (dims, patients.drift_mean.reshape(shape)),
            "p_rise": (dims, patients.p_rise[..., 0].reshape(shape)),
        }
    )
    progress.finish()
    return {
        "population estimands": drift_estimands(spec, plan, posterior),
        "patient quantities": quantities,
    }


def _reported_regimes(
    spec: Any, plan: Any, posterior: xr.Dataset, settings: SamplerSettings, quiet: bool
) -> Reported:
    """Probability of every explanation at the last step of every patient.

    Judged on many more draws than numbers are made of: among hundreds of probabilities the largest
    R-hat of a few hundred draws is above 1.01 by chance alone.
    """
    kept = thin(posterior, JUDGED_DRAWS_PER_CHAIN)
    draws = regimes_draws(plan, kept)
    progress = Progress("patients: draws", draws.n_draw, quiet=quiet)
    now = explanations_now(plan, draws, on_draw=progress.update)
    progress.finish()
    shape = (kept.sizes["chain"], kept.sizes["draw"], plan.n_patient, len(EXPLANATIONS))
    explanations = xr.DataArray(
        now.reshape(shape),
        dims=("chain", "draw", "patient", "explanation"),
        coords={"explanation": list(EXPLANATIONS)},
    )
    return {"patient explanations": xr.Dataset({"present": explanations})}


def _reported_complications(
    spec: Any, plan: Any, posterior: xr.Dataset, settings: SamplerSettings, quiet: bool
) -> Reported:
    """Rates of the typical centre and of every study."""
    return {"rates": reported_rates(plan, posterior)}


def _reported_spasticity(
    spec: Any, plan: Any, posterior: xr.Dataset, settings: SamplerSettings, quiet: bool
) -> Reported:
    """Mean scores and contrasts."""
    return {"scores": mean_scores(plan, posterior)}


_MACHINERY = {
    "complications": Machinery(
        revision=complications_plan.REVISION,
        plan=complications_plan.plan_complications,
        build=_build_complications,
        reported=_reported_complications,
        digest=complications_store.plan_digest,
        write=complications_store.write_plan,
        write_set_aside=complications_store.write_set_aside,
        read=complications_store.read_plan,
        n_set_aside=lambda plan: len(plan.left_out),
        fit_class=ComplicationsFit,
    ),
    "drift": Machinery(
        revision=drift_plan.REVISION,
        plan=drift_plan.plan_drift,
        build=_build_drift,
        reported=_reported_drift,
        digest=plan_store.plan_digest,
        write=plan_store.write_plan,
        write_set_aside=plan_store.write_set_aside,
        read=plan_store.read_plan,
        n_set_aside=lambda plan: len(plan.series.set_aside),
        fit_class=Fit,
    ),
    "regimes": Machinery(
        revision=regimes_plan.REVISION,
        plan=regimes_plan.plan_regimes,
        build=_build_regimes,
        reported=_reported_regimes,
        digest=regimes_store.plan_digest,
        write=regimes_store.write_plan,
        write_set_aside=regimes_store.write_set_aside,
        read=regimes_store.read_plan,
        n_set_aside=lambda plan: 0,
        fit_class=RegimesFit,
        build_on_arrays=_build_regimes_on_arrays,
    ),
    "spasticity": Machinery(
        revision=spasticity_plan.REVISION,
        plan=spasticity_plan.plan_spasticity,
        build=_build_spasticity,
        reported=_reported_spasticity,
        digest=spasticity_store.plan_digest,
        write=spasticity_store.write_plan,
        write_set_aside=spasticity_store.write_set_aside,
        read=spasticity_store.read_plan,
        n_set_aside=lambda plan: len(plan.set_aside),
        fit_class=SpasticityFit,
    ),
}


def machinery_of(spec: ModelSpec) -> Machinery:
    """Return how a model's kind is fitted, kept and loaded.

    Raises
    ------
    ModelError
        If this version cannot fit it.
    """
    found = _MACHINERY.get(spec.kind)
    if found is None:
        raise ModelError(f"models of kind {spec.kind!r} cannot be fitted by this version.")
    return found


def load_fit(folder: Path | str) -> Any:
    """Load a fit of any kind and verify it.

    Returns
    -------
    Fit or RegimesFit

    Raises
    ------
    UsageError
        If the folder is no fit, or any file differs from what was written.
    ModelError
        If it was made by another version of the model.
    """
    folder = Path(folder)
    manifest, spec = open_fit(folder)
    machinery = machinery_of(spec)
    return read_fit(
        machinery.fit_class, folder, (manifest, spec), machinery.revision, machinery.read
    )


OF_PATIENTS = ("drift", "regimes")
"""Kinds of model that say something about single patients."""


def load_patient_fit(folder: Path | str) -> Any:
    """Load a fit that says something about single patients, and verify it.

    Raises
    ------
    UsageError
        If the folder is no fit, or any file differs from what was written.
    ModelError
        If it was made by another version of the model, or its kind says nothing about patients.
    """
    fitted = load_fit(folder)
    if fitted.spec.kind not in OF_PATIENTS:
        raise ModelError(
            f"{folder} is a fit of kind {fitted.spec.kind!r}, which says nothing about single "
            "patients; this needs a fit of kind 'drift' or 'regimes'. `itb-bayes fit` printed all "
            "that it says, and prints it again with --force."
        )
    return fitted
