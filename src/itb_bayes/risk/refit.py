"""The exact fallback of scoring, for patients whose importance weights cannot be believed.

Two steps, each with its own diagnostic. Draws of the fit are moved and weighted by the exact
density (:mod:`itb_bayes.risk.moved`): seconds. Where these weights fail too, the model is sampled
on the fitted cohort and the patient, behind the same gate as a fit: minutes to hours. Patients are
taken one by one: those whom a fit does not expect are a choice among all new patients, and a
population that had learned from them alone would be another one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.errors import ModelError
from itb_bayes.inference.gate import judge
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.regimes_states import StateDraws, explanations_now, filter_patients
from itb_bayes.inference.settings import SamplerSettings, profile_settings
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.explanations import PatientExplanations, explain_patient
from itb_bayes.risk.moved import Mover
from itb_bayes.risk.weights import PatientWeights, equal_weights, importance_weights

Array = NDArray[np.float64]

MODE, UNSEEN_MODE = "refit", "conditional"

KEPT_PER_CHAIN = 250
"""Draws of each chain that are sampled anew from which a patient's numbers are made."""

_PROFILE = "quick"


@dataclass(frozen=True, eq=False)
class Grounds:
    """Draws of the population that the numbers of one or more patients are made of.

    Attributes
    ----------
    draws : RegimesDraws
    states : StateDraws
        The patients filtered under each of them.
    weights : PatientWeights
    mode : str
        ``conditional`` or ``refit``.
    failed : str
        The criterion that sampling did not meet; empty where its draws can be used.
    """

    draws: RegimesDraws
    states: StateDraws
    weights: PatientWeights
    mode: str
    failed: str = ""

    def allowed(self, said: PatientExplanations) -> PatientExplanations:
        """Return what was said, without its numbers where sampling did not converge."""
        if not self.failed or not said.present:
            return said
        return said.withheld(
            f"not estimated: sampling with this patient did not converge ({self.failed})"
        )


class Refit:
    """The exact fallback of scoring by one fit.

    Parameters
    ----------
    fit : RegimesFit
        With its patients.
    on_patient : callable, optional
        Called with what is done for each patient, in words.

    Raises
    ------
    ModelError
        If the fit has no patients: their records are part of the posterior.
    """

    def __init__(self, fit: RegimesFit, on_patient: Callable[[str], None] | None = None) -> None:
        if not fit.plan.n_patient:
            raise ModelError(
                f"fit {fit.run_id} holds no records; its posterior cannot be had anew."
            )
        self.fit = fit
        self.tell = on_patient or (lambda what: None)
        self._mover = Mover(fit)
        self._sampler: Callable[[RegimesPlan, SamplerSettings], xr.DataTree] | None = None

    def grounds(self, one: RegimesPlan, log_likelihood: Array) -> Grounds:
        """Return draws given the fitted cohort and the records of one patient.

        Parameters
        ----------
        one : RegimesPlan
            Of this patient alone, laid out by :func:`itb_bayes.model.regimes_plan.plan_scoring`.
        log_likelihood : ndarray, shape (n_draw,)
            Of the patient's records under every draw of the fit.
        """
        self.tell("moving draws")
        moved = self._mover.move(one, log_likelihood)
        if moved.weights.reliable[0]:
            return Grounds(moved.draws, filter_patients(one, moved.draws), moved.weights, MODE)
        self.tell("moved draws will not do either, sampling with this patient")
        settings = profile_settings(_PROFILE, "regimes", seed=self.fit.seed)
        tree = self.sample(self.fit.plan.followed_by(one), settings)
        posterior = tree["posterior"].to_dataset()
        gate = judge(tree, {"patient explanations": _reported(one, posterior)})
        draws = regimes_draws(one, thin(posterior, KEPT_PER_CHAIN))
        failed = "" if gate.passed else gate.failures()[0]
        weights = equal_weights(draws.n_draw, 1)
        return Grounds(draws, filter_patients(one, draws), weights, MODE, failed)

    def sample(self, plan: RegimesPlan, settings: SamplerSettings) -> xr.DataTree:
        """Sample the fit's model on the records of a plan; compiled once."""
        if self._sampler is None:
            from itb_bayes.inference.refit import RegimesRefitter  # PyMC is heavy

            self._sampler = RegimesRefitter(self.fit.spec, self.fit.plan).sample
        return self._sampler(plan, settings)


def once_more(fit: RegimesFit, one: RegimesPlan, fallback: Refit | None) -> Grounds:
    """Return draws for one patient whom a part of the fit's draws does not foretell.

    All draws of the fit; where their weights cannot be believed either, those of the fallback.
    """
    draws = regimes_draws(one, fit.posterior)
    states = filter_patients(one, draws)
    weights = importance_weights(states.log_likelihood)
    if weights.reliable[0] or fallback is None:
        return Grounds(draws, states, weights, UNSEEN_MODE)
    return fallback.grounds(one, states.log_likelihood[:, 0])


def explain_on(
    one: RegimesPlan, grounds: Grounds, horizons_months: tuple[float, ...], seed: int
) -> PatientExplanations:
    """Explain one patient, as of their last record.

    Parameters
    ----------
    one : RegimesPlan
        Of this patient alone.
    grounds : Grounds
    horizons_months : tuple of float
        Increasing.
    seed : int
    """
    said = explain_patient(
        one, grounds.draws, grounds.states, grounds.weights, 0, grounds.mode, horizons_months, seed
    )
    return grounds.allowed(said)


def _reported(one: RegimesPlan, posterior: xr.Dataset) -> xr.Dataset:
    """Return the patient's explanations per draw, as the gate judges them."""
    now: NDArray[np.float64] = explanations_now(one, regimes_draws(one, posterior))
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], 1, len(EXPLANATIONS))
    array = xr.DataArray(
        now.reshape(shape), dims=("chain", "draw", "patient", "explanation"),
        coords={"explanation": list(EXPLANATIONS)},
    )  # fmt: skip
    return xr.Dataset({"present": array})
