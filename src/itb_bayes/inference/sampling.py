"""NUTS by nutpie, with the guards that its defaults leave out.

nutpie returns a partial, NaN-padded trace after an interrupt as if nothing had happened, runs no
diagnostics, and reports no name when a start point fails. Here a trace is returned only if it is
complete and finite.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr

from itb_bayes.errors import ItbBayesError, ModelError
from itb_bayes.inference.compiling import compiled_model
from itb_bayes.inference.jax_model import ADVICE, GAVE_UP, JaxFailed
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.whitening import NoStartError, whitened_model

BATCH = 2
"""Chains sampled at once; fixed, so that draws do not depend on the number of cores."""


class SamplingInterrupted(ItbBayesError):
    """Sampling was stopped before all chains were complete (exit code 2)."""


NO_START = (
    "no start point of the sampler has a finite density: the priors of the model file put all "
    "their mass where these data are impossible. Check `itb-bayes model explain` against the doses "
    "of the cohort (µg/day?)."
)


@dataclass(frozen=True)
class ChainBatch:
    """Which chains are sampled together, and with what seed."""

    first: int
    size: int
    seed: int


def chain_batches(settings: SamplerSettings) -> list[ChainBatch]:
    """Split the chains into batches of :data:`BATCH`, each with a seed of its own."""
    firsts = range(0, settings.chains, BATCH)
    streams = np.random.SeedSequence([settings.seed, 0x1B]).spawn(len(firsts))
    return [
        ChainBatch(first, min(BATCH, settings.chains - first), int(stream.generate_state(1)[0]))
        for first, stream in zip(firsts, streams, strict=True)
    ]


def compile_model(model: pm.Model) -> Any:
    """Compile a model for nutpie.

    Start points are the prior means on the unconstrained scale, jittered by uniform(-1, 1) in
    every coordinate: several posterior standard deviations in every population parameter, so that
    chains start over-dispersed and R-hat can notice when they do not meet. Nothing is compiled that
    an earlier process has compiled, whatever its data (:mod:`itb_bayes.inference.compiling`).
    """
    return compiled_model(model)


def in_coordinates(compiled: Any, settings: SamplerSettings) -> Any:
    """Return what nutpie samples: the compiled model, in the coordinates the settings ask for.

    Raises
    ------
    ModelError
        If no start point has a finite density.
    SamplingInterrupted
        If an interrupt arrived.
    """
    if settings.metric == "diagonal":
        return compiled
    try:
        return whitened_model(compiled, settings.seed)
    except NoStartError:
        raise ModelError(NO_START) from None
    except KeyboardInterrupt:
        raise SamplingInterrupted(
            "interrupted before sampling began; run the same command again."
        ) from None


def sample_batch(
    compiled: Any,
    settings: SamplerSettings,
    batch: ChainBatch,
    on_progress: Callable[[int, int], None] | None = None,
    cores: int | None = None,
) -> xr.DataTree:
    """Sample one batch of chains and return it complete, or raise.

    Parameters
    ----------
    compiled : nutpie model
        Of :func:`in_coordinates`.
    settings : SamplerSettings
    batch : ChainBatch
    on_progress : callable, optional
        Called with (finished draws of the batch, divergences).
    cores : int, optional
        Chains that run at once; by default all of the batch. Draws do not depend on it.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats``, chains numbered from ``batch.first``.

    Raises
    ------
    ModelError
        If no start point has a finite density.
    SamplingInterrupted
        If an interrupt arrived, or draws are missing or not finite.
    """

    def report(progress: Any) -> None:
        if on_progress is not None:
            done = sum(chain.finished_draws for chain in progress)
            on_progress(done, sum(chain.divergences for chain in progress))

    sampler = None
    try:
        sampler = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=batch.size,
            cores=batch.size if cores is None else cores,
            seed=batch.seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=report,
            progress_rate=500,
            blocking=False,
        )
        tree = _wait(sampler)
    except KeyboardInterrupt:
        if sampler is not None:
            with contextlib.suppress(RuntimeError, TimeoutError, ValueError):
                sampler.cancel()
        raise SamplingInterrupted(
            "sampling was interrupted; chains that were complete are kept. Run the same command "
            "again to go on."
        ) from None
    except RuntimeError as error:
        raise _explain_failure(error) from None
    return renumber(check_complete(tree, settings, batch.size), batch.first)


def _wait(sampler: Any) -> xr.DataTree:
    while True:
        try:
            return sampler.wait(timeout=1.0)
        except TimeoutError:
            time.sleep(0.0)


def _explain_failure(error: RuntimeError) -> ItbBayesError:
    if GAVE_UP in str(error):
        return JaxFailed(GAVE_UP + str(error).split(GAVE_UP)[1].split(ADVICE)[0] + ADVICE)
    if "initialization points failed" in str(error):
        return ModelError(NO_START)
    return ItbBayesError(f"the sampler stopped: {str(error).splitlines()[0][:200]}")


def check_complete(tree: xr.DataTree, settings: SamplerSettings, chains: int) -> xr.DataTree:
    """Return ``tree`` if it has every draw asked for, all finite.

    Raises
    ------
    SamplingInterrupted
        Otherwise.
    """
    posterior = tree["posterior"].to_dataset()
    complete = posterior.sizes["chain"] == chains and posterior.sizes["draw"] == settings.draws
    finite = all(np.isfinite(values).all() for values in posterior.data_vars.values())
    if not (complete and finite):
        raise SamplingInterrupted(
            "the sampler returned an incomplete trace (draws missing or not finite); nothing of it "
            "is used. Run the same command again."
        )
    return tree


def renumber(tree: xr.DataTree, first_chain: int) -> xr.DataTree:
    """Return posterior and sample_stats with chains numbered from ``first_chain``."""
    groups = {}
    for name in ("posterior", "sample_stats"):
        data = tree[name].to_dataset()
        if name == "sample_stats":
            data = data[["diverging", "energy", "n_steps", "depth", "step_size", "logp"]]
        data.attrs = {}
        groups[name] = data.assign_coords(chain=np.arange(data.sizes["chain"]) + first_chain)
    return xr.DataTree.from_dict(groups)


def join_batches(batches: list[xr.DataTree]) -> xr.DataTree:
    """Put batches of chains together."""
    return xr.DataTree.from_dict(
        {
            name: xr.concat([tree[name].to_dataset() for tree in batches], "chain")
            for name in ("posterior", "sample_stats")
        }
    )
