"""Calibration of a likelihood without a sampler: the truth among candidates from the prior.

Truth and candidates are drawn alike from the prior, so before the data any of them may be the
truth; given the data, each is with a probability in proportion to its likelihood. That holds for
any number of candidates, without Markov chains and without weights that must be reliable: the
randomised rank of the truth in that discrete distribution is exactly uniform if prior, simulator
and likelihood agree. What is lost beside a full fit is power (a narrow posterior falls between the
candidates) and the sampler, which is not tested. Few free parameters keep the power up; all others
are drawn from the prior too, and known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import softmax

from itb_bayes.checks.regimes_prior import draw_regimes_prior
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.evaluate.calibration.experiment import N_RANKED
from itb_bayes.evaluate.calibration.regimes import RegimesExperiment
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.spec import RegimesSpec

Array = NDArray[np.float64]

N_CANDIDATE = 200
LIKELIHOOD = "log_likelihood"
_WEIGHTED = "candidates"


@dataclass(frozen=True, eq=False)
class Among:
    """Data, and the parameters that may have made them.

    Attributes
    ----------
    plan : RegimesPlan
        Records drawn from the first candidate.
    candidates : xarray.Dataset
        Dims (chain = 1, draw, ...); the first draw is the truth.
    uniform : ndarray
        Where in the truth's own share its rank falls, one per quantity.
    """

    plan: RegimesPlan
    candidates: xr.Dataset
    uniform: Array


class CandidateExperiment:
    """Truths from the prior, data from the model, and the truth's rank among candidates.

    Parameters
    ----------
    spec : RegimesSpec
    plan : RegimesPlan
        The design, as of :class:`~itb_bayes.evaluate.calibration.regimes.RegimesExperiment`.
    free : tuple of str
        Parameters that differ between candidates.
    n_candidate : int
    planted : callable, optional
        Changes the parameters before the likelihood sees them: an error that is to be found.

    Raises
    ------
    UsageError
        If no parameter is free.
    ModelError
        If one is not of the model, or of a channel that is off.
    """

    def __init__(
        self,
        spec: RegimesSpec,
        plan: RegimesPlan,
        free: tuple[str, ...],
        n_candidate: int = N_CANDIDATE,
        planted: Callable[[RegimesDraws], RegimesDraws] | None = None,
    ) -> None:
        known = used_priors(plan)
        if not free:
            raise UsageError("--free must name at least one parameter.")
        for name in free:
            if name not in known:
                raise ModelError(
                    f"model {spec.name} samples no parameter {name!r} on this design; "
                    f"`itb-bayes model explain {spec.name}` lists them."
                )
        self.spec, self.plan, self.free = spec, plan, free
        self.n_candidate, self.planted = n_candidate, planted
        self._model = RegimesExperiment(spec, plan)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Model, design, and what is free."""
        same = {k: v for k, v in self._model.identity.items() if k != "sampler"}
        return same | {
            "kind": "candidates",
            "free": sorted(self.free),
            "candidates": self.n_candidate,
        }

    def draw_truth(self, rng: np.random.Generator) -> xr.Dataset:
        """Draw population parameters, dims (chain = 1, draw = 1, ...)."""
        return self._model.draw_truth(rng)

    def simulate(self, truth: xr.Dataset, rng: np.random.Generator) -> Among:
        """Draw records at the truth, and the other candidates."""
        data = self._model.simulate(truth, rng)
        others = draw_regimes_prior(
            self.spec, self.plan, self.n_candidate, int(rng.integers(2**62))
        )
        return Among(data, joined(truth, others, self.free), rng.random(len(self.free) * 64))

    def fit(self, data: Among, seed: int) -> xr.DataTree:
        """Weigh the candidates by their likelihoods; nothing is sampled.

        Group ``posterior`` holds as many draws of them by weight, in two chains, for the
        diagnostics that every replicate has.
        """
        draws = regimes_draws(data.plan, data.candidates)
        if self.planted is not None:
            draws = self.planted(draws)
        total = log_likelihoods(data.plan, draws)
        weight = softmax(total)
        half = (self.n_candidate + 1) // 2
        drawn = np.random.default_rng(seed).choice(weight.size, size=2 * half, p=weight)
        posterior = _as_chains(data.candidates[list(self.free)], drawn.reshape(2, half))
        weighted = xr.Dataset({LIKELIHOOD: ("candidate", total), "weight": ("candidate", weight)})
        stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, half), dtype=bool))})
        return xr.DataTree.from_dict(
            {"posterior": posterior, "sample_stats": stats, _WEIGHTED: weighted}
        )

    def ranks(self, truth: xr.Dataset, data: Among, tree: xr.DataTree) -> dict[str, int]:
        """Rank the truth by each free parameter, and by the likelihood of the data."""
        weighted = tree[_WEIGHTED].to_dataset()
        weight = weighted["weight"].to_numpy()
        quantities = {**scalars(data.candidates, self.free)}
        quantities["log-likelihood"] = weighted[LIKELIHOOD].to_numpy()
        return {
            name: int((N_RANKED + 1) * truth_pit(values, weight, data.uniform[k]))
            for k, (name, values) in enumerate(quantities.items())
        }


def truth_pit(values: Array, weight: Array, uniform: float) -> float:
    """Return the randomised distribution function at the first of weighted values, in [0, 1).

    Values that equal the first share its step.
    """
    below, same = values < values[0], values == values[0]
    pit = float(weight[below].sum() + uniform * weight[same].sum())
    return min(max(pit, 0.0), 1.0 - 1e-12)


def log_likelihoods(plan: RegimesPlan, draws: RegimesDraws) -> Array:
    """Return the log-likelihood of all records for each draw, shape (n_draw,)."""

    def run(s: int) -> float:
        own = np.ascontiguousarray(draws.own[s])
        return float(trace(draws.g[s], own, plan.data, plan.codes, plan.offsets)[0].sum())

    return np.array(map_in_threads(run, draws.n_draw))


def joined(truth: xr.Dataset, others: xr.Dataset, free: tuple[str, ...]) -> xr.Dataset:
    """Return the truth followed by others that differ from it in the free parameters alone."""
    n = others.sizes["draw"] + 1
    variables = {}
    for name, array in truth.data_vars.items():
        values = np.repeat(array.to_numpy(), n, axis=1)
        if name in free:
            values[:, 1:] = others[name].to_numpy()
        variables[str(name)] = (array.dims, values)
    labels = {dim: truth[dim] for dim in truth.dims if dim not in ("chain", "draw")}
    return xr.Dataset(variables, coords=labels)


def scalars(candidates: xr.Dataset, names: tuple[str, ...]) -> dict[str, Array]:
    """Return every scalar of some variables by its label, each of shape (n_candidate,)."""
    out: dict[str, Array] = {}
    for name in names:
        array = candidates[name]
        values = array.to_numpy()[0].reshape(array.sizes["draw"], -1)
        labels = [name]
        if array.ndim > 2:
            labels = [f"{name}[{label}]" for label in array[array.dims[2]].to_numpy()]
        out |= {label: values[:, k] for k, label in enumerate(labels)}
    return out


def _as_chains(candidates: xr.Dataset, index: NDArray[np.int64]) -> xr.Dataset:
    return xr.Dataset(
        {
            name: (array.dims, array.to_numpy()[0][index])
            for name, array in candidates.data_vars.items()
        },
        coords={dim: candidates[dim] for dim in candidates.dims if dim not in ("chain", "draw")},
    )
