"""A calibration that costs milliseconds: two rates of a two-state chain, posterior on a grid.

The chain is seen every quarter of a year. The first rate of each subject is ``exp(a + slope x)``
with a known covariate; ``sign`` of the fitted slope can be planted wrong. Run as a script, it
calibrates into a folder, so that a test can kill it.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from itb_bayes.errors import ModelError
from itb_bayes.evaluate.calibration.experiment import rank_parameters, thin_to
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.distribute import Workplace

STEP = 0.25
N_SUBJECT, N_VISIT = 12, 25
X = np.linspace(-1.0, 1.0, N_SUBJECT)
SLOPE = 0.8


@dataclass
class TwoStates:
    """Log rates a, b ~ normal(0, 0.5); the posterior is exact but for its grid."""

    sign: float = 1.0
    pause: float = 0.0
    failing: bool = False

    identity = {"kind": "prior", "model": "two-states"}  # noqa: RUF012

    def draw_truth(self, rng):
        a, b = 0.5 * rng.standard_normal(2)
        return xr.Dataset({"a": (("chain", "draw"), [[a]]), "b": (("chain", "draw"), [[b]])})

    def simulate(self, truth, rng):
        time.sleep(self.pause)
        counts = np.zeros((N_SUBJECT, 2, 2))
        for i, x in enumerate(X):
            p = moves(truth["a"].item() + SLOPE * x, truth["b"].item())
            state = 0
            for _ in range(N_VISIT):
                following = int(rng.random() < p[state, 1])
                counts[i, state, following] += 1
                state = following
        return counts

    def fit(self, data, seed):
        if self.failing:
            raise ModelError("cannot be fitted")
        rng = np.random.default_rng(seed)
        grid = np.linspace(-2.0, 2.0, 81)
        log_p = np.zeros((grid.size, grid.size))
        a, b = np.meshgrid(grid, grid, indexing="ij")
        for i, x in enumerate(X):
            p = moves(a + self.sign * SLOPE * x, b)
            log_p += (data[i][:, :, None, None] * np.log(p)).sum(axis=(0, 1))
        log_p -= 0.5 * (a**2 + b**2) / 0.25
        weight = np.exp(log_p - log_p.max()).ravel()
        picked = rng.choice(weight.size, size=400, p=weight / weight.sum())
        jitter = (rng.random((2, 400)) - 0.5) * (grid[1] - grid[0])
        draws = np.stack([a.ravel()[picked], b.ravel()[picked]]) + jitter
        shape = (2, 200)
        posterior = xr.Dataset(
            {k: (("chain", "draw"), v.reshape(shape)) for k, v in zip("ab", draws, strict=True)}
        )
        stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros(shape, bool))})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})

    def ranks(self, truth, data, tree):
        return rank_parameters(thin_to(tree["posterior"].to_dataset()), truth)


def moves(log_up, log_down):
    """Return transition probabilities over one step, shape (2, 2, ...)."""
    up, down = np.exp(log_up), np.exp(log_down)
    gone = -np.expm1(-(up + down) * STEP) / (up + down)
    return np.array([[1 - up * gone, up * gone], [down * gone, 1 - down * gone]])


if __name__ == "__main__":
    calibrate(
        TwoStates(pause=0.03), Path(sys.argv[1]), replicates=int(sys.argv[2]), seed=3,
        place=Workplace(0), quiet=True,
    )  # fmt: skip
