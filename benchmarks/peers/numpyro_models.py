"""Hand-written NumPyro models: centred, and with the patients integrated out."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS

from peers.cpu_track import CpuTrack
from peers.problem import DIAGNOSES, Problem
from peers.run import Draws, Run, named_values

COMPILING = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)
FEW = 100
"""Fewer patients: chains side by side cost less processor time; more: one after the other.

Side by side, every step takes as long as the longest trajectory of the four chains.
"""
REPORTED = ("level", "drift", "level_sd", "drift_sd", "correlation_01", "within_sd")


class _Numpyro:
    """NUTS with NumPyro's default settings, double precision as in all other tools.

    JAX compiles inside the sampling call and reports when; that processor time is set-up.
    """

    def arguments(self, problem: Problem) -> tuple[Any, ...]:
        """Return the arrays that the model is called with."""
        raise NotImplementedError

    def model(self, priors: dict[str, dict[str, float]]) -> Callable[..., None]:
        """Return the NumPyro model."""
        raise NotImplementedError

    def prepare(self, run: Run) -> Any:
        """Build the sampler."""
        numpyro.enable_x64()
        sampler = MCMC(
            NUTS(self.model(run.problem.priors)),
            num_warmup=run.tune,
            num_samples=run.draws,
            num_chains=run.chains,
            chain_method="vectorized" if run.problem.n_patient < FEW else "sequential",
            progress_bar=False,
        )
        return sampler, self.arguments(run.problem)

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Compile and sample."""
        sampler, arguments = prepared
        spans: list[tuple[float, float]] = []

        def note(event: str, duration: float, **_: Any) -> None:
            if event in COMPILING:
                now = time.perf_counter()
                spans.append((now - duration, now))

        jax.monitoring.register_event_duration_secs_listener(note)
        with CpuTrack() as track:
            sampler.run(jax.random.PRNGKey(run.seed), *arguments)
            draws = sampler.get_samples(group_by_chain=True)
            values = named_values({name: np.asarray(draws[name]) for name in REPORTED})
        divergences = int(np.asarray(sampler.get_extra_fields()["diverging"]).sum())
        return Draws(values, divergences, setup_cpu_s=track.spent_in(spans))


class NumpyroCentred(_Numpyro):
    """Patients' levels and drifts are drawn around their population means."""

    def arguments(self, problem: Problem) -> tuple[Any, ...]:
        """Return diagnosis, patient, years and log doses."""
        arrays = (problem.diagnosis, problem.patient, problem.since, problem.log_dose)
        return tuple(jnp.asarray(array) for array in arrays)

    def model(self, priors: dict[str, dict[str, float]]) -> Callable[..., None]:
        """Return the centred model."""

        def centred(diagnosis: Any, patient: Any, since: Any, log_dose: Any) -> None:
            level, drift, level_sd, drift_sd, rho, within_sd = _population(priors)
            mean = level[diagnosis]
            with numpyro.plate("patients", diagnosis.shape[0]):
                own_level = numpyro.sample("own_level", dist.Normal(mean, level_sd))
                expected = drift[diagnosis] + rho * drift_sd / level_sd * (own_level - mean)
                own_drift = numpyro.sample(
                    "own_drift", dist.Normal(expected, drift_sd * jnp.sqrt(1.0 - rho**2))
                )
            line = own_level[patient] + own_drift[patient] * since
            numpyro.sample("log_dose", dist.Normal(line, within_sd), obs=log_dose)

        return centred


class NumpyroMarginal(_Numpyro):
    """Patients integrated out by hand through X'X, X'y and y'y of each patient."""

    def arguments(self, problem: Problem) -> tuple[Any, ...]:
        """Return diagnosis and the sufficient statistics of each patient."""
        design = np.stack([np.ones_like(problem.since), problem.since, problem.log_dose], axis=1)
        products = np.zeros((problem.n_patient, 3, 3))
        np.add.at(products, problem.patient, design[:, :, None] * design[:, None, :])
        return jnp.asarray(problem.diagnosis), jnp.asarray(products)

    def model(self, priors: dict[str, dict[str, float]]) -> Callable[..., None]:
        """Return the marginal model (Woodbury identity, two by two)."""

        def marginal(diagnosis: Any, products: Any) -> None:
            level, drift, level_sd, drift_sd, rho, within_sd = _population(priors)
            m0, m1 = level[diagnosis], drift[diagnosis]
            n, s, ss = products[:, 0, 0], products[:, 0, 1], products[:, 1, 1]
            y, sy, yy = products[:, 0, 2], products[:, 1, 2], products[:, 2, 2]
            r0 = y - n * m0 - s * m1
            r1 = sy - s * m0 - ss * m1
            rr = yy - 2.0 * (m0 * y + m1 * sy) + n * m0**2 + 2.0 * s * m0 * m1 + ss * m1**2
            v = within_sd**2
            free = 1.0 - rho**2
            a = n / v + 1.0 / (level_sd**2 * free)
            b = s / v - rho / (level_sd * drift_sd * free)
            d = ss / v + 1.0 / (drift_sd**2 * free)
            det = a * d - b**2
            explained = (d * r0**2 - 2.0 * b * r0 * r1 + a * r1**2) / (det * v**2)
            log_det = jnp.log(det) + 2.0 * jnp.log(level_sd * drift_sd) + jnp.log(free)
            value = n * jnp.log(2.0 * jnp.pi * v) + log_det + rr / v - explained
            numpyro.factor("log_likelihood", -0.5 * value.sum())

        return marginal


def _population(priors: dict[str, dict[str, float]]) -> tuple[Any, ...]:
    p = priors
    with numpyro.plate("diagnoses", len(DIAGNOSES)):
        level = numpyro.sample("level", dist.Normal(p["level"]["mean"], p["level"]["sd"]))
        drift = numpyro.sample("drift", dist.Normal(p["drift"]["mean"], p["drift"]["sd"]))
    level_sd = numpyro.sample(
        "level_sd", dist.LogNormal(p["level_sd"]["mu"], p["level_sd"]["sigma"])
    )
    drift_sd = numpyro.sample("drift_sd", dist.HalfNormal(p["drift_sd"]["sd"]))
    shape = p["level_drift_correlation"]
    correlation_01 = numpyro.sample("correlation_01", dist.Beta(shape["alpha"], shape["beta"]))
    within_sd = numpyro.sample(
        "within_sd", dist.LogNormal(p["within_sd"]["mu"], p["within_sd"]["sigma"])
    )
    return level, drift, level_sd, drift_sd, 2.0 * correlation_01 - 1.0, within_sd
