"""Calibration of drift models: of the prior, and of the posterior of a fit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.evaluate.calibration.experiment import TruthsOfFit, rank_parameters, thin_to
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.patients import draw_patients
from itb_bayes.inference.plan_store import plan_digest
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.population import population_draws
from itb_bayes.inference.replicate import Replicate, replicate_cohort
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import REVISION, DriftPlan
from itb_bayes.spec import DriftSpec

PATIENTS_RANKED = 3
"""Patients (the first that were simulated) whose slope is ranked as well."""

SAMPLER = SamplerSettings(draws=500, tune=500, chains=2, target_accept=0.9)


class DriftExperiment:
    """Population parameters from the prior; patients and doses of a design from the model.

    Talts et al. 2018 (arXiv:1804.06788). The joint log-likelihood of the data is ranked beside the
    parameters: it shows errors that no parameter alone shows, a posterior that is only the prior
    among them (Modrák et al. 2023, doi:10.1214/23-BA1404).

    Parameters
    ----------
    spec : DriftSpec
    plan : DriftPlan
        The design: readings' times, diagnoses, centres, covariates. Its doses are not looked at.
    sampler : SamplerSettings
        Its seed is not used.
    """

    def __init__(
        self, spec: DriftSpec, plan: DriftPlan, sampler: SamplerSettings = SAMPLER
    ) -> None:
        self.spec, self.plan, self.sampler = spec, plan, sampler
        self._refitter: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the compiled model out of the pickle: it cannot travel."""
        return self.__dict__ | {"_refitter": None}

    @property
    def identity(self) -> Mapping[str, Any]:
        """Model, design and sampler."""
        sampler = {k: v for k, v in self.sampler.as_dict().items() if k != "seed"}
        return {
            "kind": "prior",
            "model": self.spec.digest,
            "revision": REVISION,
            "design": plan_digest(_without_doses(self.plan)),
            "sampler": sampler,
        }

    def draw_truth(self, rng: np.random.Generator) -> xr.Dataset:
        """Draw population parameters, dims (chain = 1, draw = 1, ...)."""
        return draw_prior(self.spec, self.plan, 1, int(rng.integers(2**62)))

    def simulate(self, truth: xr.Dataset, rng: np.random.Generator) -> Replicate:
        """Draw new patients and their doses."""
        return replicate_cohort(self.plan, population_draws(self.spec, self.plan, truth), 0, rng)

    def fit(self, data: Replicate, seed: int) -> xr.DataTree:
        """Sample the posterior given the simulated doses."""
        return self._sample(self.plan, data.log_dose, seed)

    def ranks(self, truth: xr.Dataset, data: Replicate, tree: xr.DataTree) -> dict[str, int]:
        """Rank population parameters, slopes of patients, and the log-likelihood."""
        return self._ranks(truth, data, tree, self.plan, data.log_dose)

    def _sample(self, plan: DriftPlan, log_dose: NDArray[np.float64], seed: int) -> xr.DataTree:
        from itb_bayes.inference.refit import Refitter  # PyMC is heavy: where it is used

        if self._refitter is None:
            self._refitter = Refitter(self.spec, plan)
        settings = SamplerSettings(**{**self.sampler.as_dict(), "seed": seed})
        tree: xr.DataTree = self._refitter.sample(log_dose, settings, cores=1)
        return tree

    def _ranks(
        self,
        truth: xr.Dataset,
        data: Replicate,
        tree: xr.DataTree,
        plan: DriftPlan,
        log_dose: NDArray[np.float64],
    ) -> dict[str, int]:
        thinned = thin_to(tree["posterior"].to_dataset())
        ranks = rank_parameters(thinned, truth)
        few = first_patients(self.plan, data.log_dose, PATIENTS_RANKED)
        slope = draw_patients(
            few, population_draws(self.spec, few, thinned), 0, horizons_months=(12.0,)
        ).drift
        for i in range(few.n_patient):
            ranks[f"slope of patient {i + 1}"] = int((slope[:, i] < data.effects[i, 1]).sum())
        whole = with_log_dose(plan, log_dose)
        drawn = patient_log_likelihood(self.spec, whole, thinned).sum("patient").to_numpy()
        true = patient_log_likelihood(self.spec, whole, truth).sum().item()
        ranks["log-likelihood"] = int((drawn < true).sum())
        return ranks


class DriftPosteriorExperiment(TruthsOfFit, DriftExperiment):
    """Population parameters from a fit's posterior; the data are the fit's and a replicate's.

    Posterior calibration (Säilynoja et al. 2025, arXiv:2502.03279): truths from p(θ | data), new
    patients of the same design from the model at the truth, and a fit to the observed *and* the
    replicated patients. It looks where the data are, not where the prior is.

    Parameters
    ----------
    fit : Fit
    sampler : SamplerSettings
    """

    def __init__(self, fit: Fit, sampler: SamplerSettings = SAMPLER) -> None:
        super().__init__(fit.spec, fit.plan, sampler)
        self._take_truths_from(fit.posterior, str(fit.manifest["run"]))
        self._both = doubled(fit.plan)

    def fit(self, data: Replicate, seed: int) -> xr.DataTree:
        """Sample the posterior given the observed and the simulated doses."""
        return self._sample(self._both, self._joined(data), seed)

    def ranks(self, truth: xr.Dataset, data: Replicate, tree: xr.DataTree) -> dict[str, int]:
        """Rank as :meth:`DriftExperiment.ranks`; the log-likelihood is that of all patients."""
        return self._ranks(truth, data, tree, self._both, self._joined(data))

    def _joined(self, data: Replicate) -> NDArray[np.float64]:
        return np.concatenate([self.plan.panel.y, data.log_dose])


def with_log_dose(plan: DriftPlan, log_dose: NDArray[np.float64]) -> DriftPlan:
    """Return a plan with other doses at the same readings."""
    return replace(plan, series=replace(plan.series, daily_dose_ug=np.exp(log_dose)))


def first_patients(plan: DriftPlan, log_dose: NDArray[np.float64], count: int) -> DriftPlan:
    """Return the plan of the first patients, with other doses."""
    n = min(count, plan.n_patient)
    rows = slice(0, int(plan.series.offsets[n]))
    series = replace(
        plan.series,
        patient_ids=plan.series.patient_ids[:n],
        patient=plan.series.patient[rows],
        t_years=plan.series.t_years[rows],
        daily_dose_ug=np.exp(log_dose[rows]),
        dose_year_before_ug=plan.series.dose_year_before_ug[:n],
        n_rows=plan.series.n_rows[:n],
        ended=plan.series.ended[:n],
    )
    return replace(
        plan,
        series=series,
        diagnosis_index=plan.diagnosis_index[:n],
        centre_index=plan.centre_index[:n],
        level_covariates=Covariates(plan.level_covariates.names, plan.level_covariates.design[:n]),
        drift_covariates=Covariates(plan.drift_covariates.names, plan.drift_covariates.design[:n]),
    )


def doubled(plan: DriftPlan) -> DriftPlan:
    """Return a plan that holds every patient twice: observed, and to be replicated."""

    def twice(array: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([array, array])

    def both(covariates: Covariates) -> Covariates:
        return Covariates(covariates.names, twice(covariates.design))

    series = plan.series
    return replace(
        plan,
        series=replace(
            series,
            patient_ids=(
                *series.patient_ids,
                *(f"{pid} (replicate)" for pid in series.patient_ids),
            ),
            patient=np.concatenate([series.patient, series.patient + plan.n_patient]),
            t_years=twice(series.t_years),
            daily_dose_ug=twice(series.daily_dose_ug),
            dose_year_before_ug=twice(series.dose_year_before_ug),
            n_rows=twice(series.n_rows),
            ended=series.ended * 2,
            set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
        ),
        diagnosis_index=twice(plan.diagnosis_index),
        centre_index=twice(plan.centre_index),
        level_covariates=both(plan.level_covariates),
        drift_covariates=both(plan.drift_covariates),
    )


def _without_doses(plan: DriftPlan) -> DriftPlan:
    return with_log_dose(plan, np.zeros(plan.series.t_years.size))
