"""What is calibrated: the four steps of one replicate, and how truths are ranked.

A kind of model joins `itb-bayes calibrate` by giving these four steps. Whatever is expensive (a
compiled model) is made on first use, kept on the object, and left out of its pickle: on Dask one
copy lives on each worker and serves all replicates there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import arviz_stats as az
import numpy as np
import xarray as xr

from itb_bayes.errors import ModelError
from itb_bayes.inference.population import flatten

N_RANKED = 99
"""Posterior draws that a truth is ranked among: ranks run from 0 to 99."""

FIT_FAILED = "the sampler found no start point of finite density"


class Experiment(Protocol):
    """The steps of one replicate; everything random comes from the generators handed in."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What makes results comparable (digests, sampler): plain JSON values.

        Results under another identity are refused, never mixed.
        """

    def draw_truth(self, rng: np.random.Generator) -> Any:
        """Draw parameters: from the prior, or from a posterior (posterior calibration)."""

    def simulate(self, truth: Any, rng: np.random.Generator) -> Any:
        """Draw a data set of the design from the model at the truth."""

    def fit(self, data: Any, seed: int) -> xr.DataTree:
        """Fit the model; groups ``posterior`` and ``sample_stats`` with dims (chain, draw, ...).

        Raises
        ------
        ModelError
            If these data cannot be fitted; the replicate is kept as failed.
        """

    def ranks(self, truth: Any, data: Any, tree: xr.DataTree) -> Mapping[str, int]:
        """Return, by quantity, how many of :data:`N_RANKED` draws lie below the truth."""


class TruthsOfFit:
    """Truths are posterior draws of a fit; for experiments that say so after this in their bases.

    Posterior calibration: Säilynoja et al. 2025, arXiv:2502.03279.
    """

    def _take_truths_from(self, posterior: xr.Dataset, run: str) -> None:
        self._posterior, self._run = posterior, run

    @property
    def identity(self) -> Mapping[str, Any]:
        """That of the design, and the fit."""
        own: Mapping[str, Any] = super().identity  # type: ignore[misc]
        return {**own, "kind": "posterior", "fit": self._run}

    def draw_truth(self, rng: np.random.Generator) -> xr.Dataset:
        """Draw one posterior draw."""
        chain = int(rng.integers(self._posterior.sizes["chain"]))
        draw = int(rng.integers(self._posterior.sizes["draw"]))
        return self._posterior.isel(chain=[chain], draw=[draw])


@dataclass(frozen=True)
class Replicate:
    """One replicate, as it is kept.

    Attributes
    ----------
    number : int
    ranks : dict of str to int
        Empty where the fit failed.
    r_hat : float
        Largest over the parameters; NaN where the fit failed.
    ess : float
        Smallest bulk effective sample size.
    divergences : int
    failure : str
        Why there are no ranks; empty where there are.
    """

    number: int
    ranks: dict[str, int]
    r_hat: float
    ess: float
    divergences: int
    failure: str = ""


def run_replicate(experiment: Experiment, seed: int, number: int) -> Replicate:
    """Run one replicate; the same on every machine, in any order, alone or among others.

    Parameters
    ----------
    experiment : Experiment
    seed : int
        Of the whole calibration.
    number : int
        Of the replicate, from 0; its random streams derive from both.
    """
    for_truth, for_data, for_fit = np.random.SeedSequence([seed, 0x5BC, number]).spawn(3)
    truth = experiment.draw_truth(np.random.default_rng(for_truth))
    data = experiment.simulate(truth, np.random.default_rng(for_data))
    try:
        tree = experiment.fit(data, int(for_fit.generate_state(1)[0]))
    except ModelError:
        return Replicate(number, {}, float("nan"), float("nan"), 0, FIT_FAILED)
    posterior = tree["posterior"].to_dataset()
    with np.errstate(divide="ignore", invalid="ignore"):  # a chain may stand still
        r_hat = az.rhat(posterior).to_array().max(skipna=False)
        ess = az.ess(posterior, method="bulk").to_array().min(skipna=False)
    return Replicate(
        number,
        {name: int(rank) for name, rank in experiment.ranks(truth, data, tree).items()},
        round(float(r_hat), 4),
        round(float(ess), 1),
        int(tree["sample_stats"]["diverging"].sum()),
    )


def thin_to(posterior: xr.Dataset, count: int = N_RANKED) -> xr.Dataset:
    """Return ``count`` evenly spaced draws of all chains together, as one chain.

    Neighbouring draws depend on each other, and ranks among dependent draws are not uniform.
    """
    flat = flatten(posterior)
    keep = np.linspace(0, flat.sizes["sample"] - 1, count).round().astype(int)
    variables = {
        name: (("chain", "draw", *array.dims[1:]), array.to_numpy()[None, keep])
        for name, array in flat.data_vars.items()
    }
    labels = {dim: flat[dim] for dim in flat.dims if dim != "sample"}
    return xr.Dataset(variables, coords=labels)


def rank_parameters(thinned: xr.Dataset, truth: xr.Dataset) -> dict[str, int]:
    """Rank every scalar of a truth among posterior draws.

    Parameters
    ----------
    thinned : xarray.Dataset
        Of :func:`thin_to`.
    truth : xarray.Dataset
        The same variables with one chain of one draw.
    """
    draws, true = flatten(thinned), flatten(truth)
    ranks = {}
    for name in draws.data_vars:
        array = draws[name]
        values = array.to_numpy().reshape(draws.sizes["sample"], -1)
        at = true[name].to_numpy().reshape(-1)
        names = [str(name)]
        if array.ndim > 1:
            names = [f"{name}[{label}]" for label in array[array.dims[1]].to_numpy()]
        for k, label in enumerate(names):
            ranks[label] = int((values[:, k] < at[k]).sum())
    return ranks
