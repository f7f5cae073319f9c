"""bambi: the formula a user would write, the same priors, its default parameterisation.

bambi gives patients' intercepts and slopes independent normals: its model has no correlation.
"""

from typing import Any

import bambi as bmb
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import xarray as xr

from peers.problem import DIAGNOSES, Problem
from peers.run import CORES, Draws, Run, load_labels, named_values

FORMULA = "log_dose ~ 0 + diagnosis + diagnosis:since + (1 + since | patient)"


class BambiNutpie:
    """bambi's model, compiled and sampled by nutpie."""

    def prepare(self, run: Run) -> Any:
        """Build bambi's model and compile it."""
        load_labels()
        return nutpie.compile_pymc_model(build_bambi(run.problem).backend.model)

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
        return _draws(tree)


class BambiPymc:
    """bambi's model, sampled by PyMC's own sampler."""

    def prepare(self, run: Run) -> Any:
        """Build bambi's model and the sampler's step (its compilation and start points)."""
        load_labels()
        model = build_bambi(run.problem)
        with model.backend.model as inner:
            start, step = pm.init_nuts(
                chains=run.chains, random_seed=run.seed, progressbar=False, tune=run.tune
            )
            inner.compile_logp()(start[0])
        return model, start, step

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Sample as ``pm.sample`` does by default, in two processes."""
        model, start, step = prepared
        with model.backend.model:
            tree = pm.sample(
                draws=run.draws,
                tune=run.tune,
                chains=run.chains,
                cores=CORES,
                step=step,
                initvals=start,
                random_seed=run.seed,
                nuts_sampler="pymc",
                progressbar=False,
                compute_convergence_checks=False,
            )
        return _draws(tree)


def build_bambi(problem: Problem) -> bmb.Model:
    """Return the built bambi model with the priors of the benchmark."""
    p = problem.priors
    frame = pd.DataFrame(
        {
            "log_dose": problem.log_dose,
            "since": problem.since,
            "diagnosis": np.array(DIAGNOSES)[problem.diagnosis[problem.patient]],
            "patient": np.char.add("P", problem.patient.astype(str)),
        }
    )
    level_sd = bmb.Prior("LogNormal", mu=p["level_sd"]["mu"], sigma=p["level_sd"]["sigma"])
    drift_sd = bmb.Prior("HalfNormal", sigma=p["drift_sd"]["sd"])
    priors = {
        "diagnosis": bmb.Prior("Normal", mu=p["level"]["mean"], sigma=p["level"]["sd"]),
        "diagnosis:since": bmb.Prior("Normal", mu=p["drift"]["mean"], sigma=p["drift"]["sd"]),
        "1|patient": bmb.Prior("Normal", mu=0.0, sigma=level_sd),
        "since|patient": bmb.Prior("Normal", mu=0.0, sigma=drift_sd),
        "sigma": bmb.Prior("LogNormal", mu=p["within_sd"]["mu"], sigma=p["within_sd"]["sigma"]),
    }
    model = bmb.Model(FORMULA, frame, priors=priors)
    model.build()
    return model


def _draws(tree: xr.DataTree) -> Draws:
    posterior = tree["posterior"].to_dataset()
    values = named_values(
        {
            "level": posterior["diagnosis"],
            "drift": posterior["diagnosis:since"],
            "level_sd": posterior["1|patient_sigma"],
            "drift_sd": posterior["since|patient_sigma"],
            "within_sd": posterior["sigma"],
        }
    )
    return Draws(values, int(tree["sample_stats"]["diverging"].sum()))
