"""Calibration of regimes models: parameters, courses of patients, fit, ranks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from itb_bayes.checks.regimes_prior import draw_regimes_prior
from itb_bayes.evaluate.calibration.experiment import TruthsOfFit, rank_parameters, thin_to
from itb_bayes.inference.pointwise import regimes_pointwise
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.regimes_store import plan_digest
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.regimes.layout import Code, Col, State
from itb_bayes.model.regimes_plan import REVISION, RegimesPlan
from itb_bayes.simulate.regimes_course import draw_courses
from itb_bayes.spec import RegimesSpec

SAMPLER = SamplerSettings(150, 100, chains=2, target_accept=0.8, metric="whitened")
PATIENTS_RANKED = 3
"""Patients (the first of the design) whose probability of a device fault is ranked as well."""

_READ = (Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS, Col.DOSE_CHANGE)
_TESTS = (Code.DYE, Code.ASPIRATION, Code.ROTOR)


class RegimesExperiment:
    """Population parameters from the prior; regimes and records of a design from the model.

    Ranked are the parameters and the joint log-likelihood, all regimes and requirements integrated
    out by the switching filter. The data hold no approximation, so ranks judge the filter too.

    Parameters
    ----------
    spec : RegimesSpec
    plan : RegimesPlan
        The design: visits, first doses, diagnoses, centres, channels, elective operations.
    sampler : SamplerSettings
        Its seed is not used.
    """

    def __init__(
        self, spec: RegimesSpec, plan: RegimesPlan, sampler: SamplerSettings = SAMPLER
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
            "design": plan_digest(_without_values(self.plan)),
            "sampler": sampler,
        }

    def draw_truth(self, rng: np.random.Generator) -> xr.Dataset:
        """Draw population parameters, dims (chain = 1, draw = 1, ...)."""
        return draw_regimes_prior(self.spec, self.plan, 1, int(rng.integers(2**62)))

    def simulate(self, truth: xr.Dataset, rng: np.random.Generator) -> RegimesPlan:
        """Draw courses of the patients: a plan with other records."""
        draws = regimes_draws(self.plan, truth)
        course = draw_courses(
            draws.g[0], draws.own[0], self.plan.data, self.plan.codes, self.plan.offsets, rng,
            tone_seen="ashworth" in self.plan.channels,
        )  # fmt: skip
        return replace(self.plan, data=course.data, codes=course.codes)

    def fit(self, data: RegimesPlan, seed: int) -> xr.DataTree:
        """Sample the posterior given the simulated records."""
        from itb_bayes.inference.refit import RegimesRefitter  # PyMC is heavy: where it is used

        if self._refitter is None:
            self._refitter = RegimesRefitter(self.spec, self.plan)
        settings = SamplerSettings(**{**self.sampler.as_dict(), "seed": seed})
        tree: xr.DataTree = self._refitter.sample(data, settings, cores=1)
        return tree

    def ranks(self, truth: xr.Dataset, data: RegimesPlan, tree: xr.DataTree) -> dict[str, int]:
        """Rank population parameters, the joint log-likelihood, and probabilities of patients.

        A probability that a patient's device is at fault now is a function of the parameters and
        of their record: at the truth it is one number, to be ranked among those of the draws.
        """
        thinned = thin_to(tree["posterior"].to_dataset())
        ranks = rank_parameters(thinned, truth)
        drawn, true = (_log_likelihood(data, some) for some in (thinned, truth))
        ranks["log-likelihood"] = int((drawn < true[0]).sum())
        few = data.between(0, min(PATIENTS_RANKED, data.n_patient))
        drawn, true = (_device_fault(few, some) for some in (thinned, truth))
        for i in range(few.n_patient):
            ranks[f"P(device fault) of patient {i + 1}"] = int((drawn[:, i] < true[0, i]).sum())
        return ranks


class RegimesPosteriorExperiment(TruthsOfFit, RegimesExperiment):
    """Population parameters from a fit's posterior; the data are the fit's and a replicate's.

    Posterior calibration (Säilynoja et al. 2025, arXiv:2502.03279), as
    :class:`~itb_bayes.evaluate.calibration.drift.DriftPosteriorExperiment` does it: truths from
    p(θ | records), new courses of the same design from the model at the truth, and a fit to the
    observed *and* the replicated patients.

    Parameters
    ----------
    fit : RegimesFit
    sampler : SamplerSettings
    """

    def __init__(self, fit: RegimesFit, sampler: SamplerSettings = SAMPLER) -> None:
        super().__init__(fit.spec, fit.plan, sampler)
        self._take_truths_from(fit.posterior, str(fit.manifest["run"]))

    def simulate(self, truth: xr.Dataset, rng: np.random.Generator) -> RegimesPlan:
        """Draw courses of the patients: a plan of the replicated patients, then the observed."""
        return joined_plans(super().simulate(truth, rng), self.plan)


def joined_plans(first: RegimesPlan, second: RegimesPlan) -> RegimesPlan:
    """Return the plan of the patients of two plans with the same groups and channels."""
    ids = tuple(f"{pid} (replicate)" for pid in first.patient_ids)
    return replace(first, patient_ids=ids).followed_by(second)


def _device_fault(plan: RegimesPlan, posterior: xr.Dataset) -> Any:
    """Return the probability of a device fault after the last record, (n_draw, n_patient)."""
    states = filter_patients(plan, regimes_draws(plan, posterior))
    return states.after[:, :, State.CATHETER_LEAKING :, 0].sum(axis=2)


def _log_likelihood(plan: RegimesPlan, posterior: xr.Dataset) -> Any:
    draws = regimes_draws(plan, posterior)
    labelled = posterior.assign_coords(
        chain=np.arange(posterior.sizes["chain"]), draw=np.arange(posterior.sizes["draw"])
    )
    return regimes_pointwise(plan, draws, labelled)["records"].sum("patient").to_numpy().ravel()


def _without_values(plan: RegimesPlan) -> RegimesPlan:
    """Return the design alone: what was read is replaced by that it was read."""
    data, codes = plan.data.copy(), plan.codes.copy()
    for column in _READ:
        data[:, column] = np.where(np.isnan(data[:, column]), np.nan, 0.0)
    for code in _TESTS:
        codes[:, code] = np.where(codes[:, code] < 0, -1, 0)
    return replace(plan, data=data, codes=codes)
