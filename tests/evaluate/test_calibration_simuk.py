"""Our ranks and verdict against simuk's, replicate by replicate, on a model with exact draws."""

import numpy as np
import pymc as pm
import pytest
import simuk
import xarray as xr

from itb_bayes.evaluate.calibration.experiment import N_RANKED, rank_parameters, thin_to
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.verdict import calibration_checks
from itb_bayes.evaluate.distribute import Workplace

N_REPLICATE, N_OBSERVED = 60, 5


def exact_draws(y: np.ndarray, seed: int) -> np.ndarray:
    """Draw from the posterior of a normal mean with prior normal(0, 1) and noise 1."""
    precision = 1.0 + y.size
    rng = np.random.default_rng(seed)
    return y.sum() / precision + rng.standard_normal((1, N_RANKED)) / np.sqrt(precision)


@pytest.fixture(scope="module")
def theirs() -> simuk.SBC:
    """A calibration run by simuk, with exact draws in place of its sampler."""

    def sample(random_seed: int, **_: object) -> xr.DataTree:
        model = pm.modelcontext(None)
        y = model.rvs_to_values[model["y"]].eval()
        draws = exact_draws(np.asarray(y), random_seed)
        return xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), draws)})})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pm, "sample", sample)
        with pm.Model() as model:
            mu = pm.Normal("mu")
            pm.Normal("y", mu, observed=np.zeros(N_OBSERVED))
        found = simuk.SBC(model, num_simulations=N_REPLICATE, seed=4, progress_bar=False)
        found.run_simulations()
    return found


class Replay:
    """The truths and posteriors that simuk had."""

    identity = {"kind": "prior", "model": "simuk"}  # noqa: RUF012

    def __init__(self, theirs: simuk.SBC, shift: float = 0.0) -> None:
        self.theirs, self.shift, self.next = theirs, shift, 0

    def draw_truth(self, rng):
        mu = self.theirs.ref_params["mu"].to_numpy()[self.next]
        return xr.Dataset({"mu": (("chain", "draw"), [[mu]])})

    def simulate(self, truth, rng):
        return self.theirs.posteriors[self.next]["mu"].to_numpy()

    def fit(self, data, seed):
        self.next += 1
        posterior = xr.Dataset({"mu": (("chain", "draw"), data[None] + self.shift)})
        stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((1, N_RANKED), bool))})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})

    def ranks(self, truth, data, tree):
        return rank_parameters(thin_to(tree["posterior"].to_dataset()), truth)


def test_ranks_are_those_of_simuk(theirs, tmp_path) -> None:
    done = calibrate(
        Replay(theirs), tmp_path / "run", replicates=N_REPLICATE, place=Workplace(0), quiet=True
    )
    assert theirs.simulations["prior_sbc"]["mu"].to_numpy().ravel().tolist() == (
        done.table["rank"].tolist()
    )
    assert calibration_checks(done)[0].passed is True


def test_a_shifted_posterior_is_noticed(theirs, tmp_path) -> None:
    done = calibrate(
        Replay(theirs, 0.4), tmp_path / "run", replicates=N_REPLICATE, place=Workplace(0),
        quiet=True,
    )  # fmt: skip
    ranks = calibration_checks(done)[0]
    assert ranks.passed is False
    assert "the posterior lies too high" in ranks.summary
