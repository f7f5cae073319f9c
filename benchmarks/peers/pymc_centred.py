"""Hand-written centred PyMC model, sampled by nutpie."""

from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt

from peers.problem import DIAGNOSES, Problem
from peers.run import CORES, Draws, Run, load_labels, named_values


class PymcCentred:
    """Patients' levels and drifts are drawn around their population means."""

    def prepare(self, run: Run) -> Any:
        """Build and compile the model."""
        load_labels()
        return nutpie.compile_pymc_model(build_centred(run.problem))

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Sample with nutpie's default settings."""
        tree = nutpie.sample(
            prepared,
            draws=run.draws,
            tune=run.tune,
            chains=run.chains,
            cores=CORES,
            seed=run.seed,
            save_warmup=False,
            progress_bar=False,
        )
        divergences = int(tree["sample_stats"]["diverging"].sum())
        return Draws(named_values(tree["posterior"].to_dataset()), divergences)


def build_centred(problem: Problem) -> pm.Model:
    """Return the centred mixed model."""
    p = problem.priors
    coords = {"diagnosis": list(DIAGNOSES), "patient": np.arange(problem.n_patient)}
    with pm.Model(coords=coords) as model:
        level = pm.Normal("level", p["level"]["mean"], p["level"]["sd"], dims="diagnosis")
        drift = pm.Normal("drift", p["drift"]["mean"], p["drift"]["sd"], dims="diagnosis")
        level_sd = pm.LogNormal("level_sd", p["level_sd"]["mu"], p["level_sd"]["sigma"])
        drift_sd = pm.HalfNormal("drift_sd", p["drift_sd"]["sd"])
        shape = p["level_drift_correlation"]
        rho = 2.0 * pm.Beta("correlation_01", shape["alpha"], shape["beta"]) - 1.0
        within_sd = pm.LogNormal("within_sd", p["within_sd"]["mu"], p["within_sd"]["sigma"])
        mean = level[problem.diagnosis]
        own_level = pm.Normal("own_level", mean, level_sd, dims="patient")
        expected = drift[problem.diagnosis] + rho * drift_sd / level_sd * (own_level - mean)
        own_drift = pm.Normal("own_drift", expected, drift_sd * pt.sqrt(1 - rho**2), dims="patient")
        line = own_level[problem.patient] + own_drift[problem.patient] * problem.since
        pm.Normal("log_dose", line, within_sd, observed=problem.log_dose)
    return model
