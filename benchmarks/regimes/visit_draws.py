"""Probabilities of explanations at every visit under single draws of the population parameters.

    python benchmarks/regimes/visit_draws.py --fit FIT --test COHORT --out DRAWS.npz [--draws 100]

They tell `judge.py` how far the stated probabilities may be off together: what a fit does not know
of its population parameters moves those of all patients in the same direction. No record of a
judged patient has changed the draws.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort import Cohort
from itb_bayes.evaluate.visits import whole_days
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_visits
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Col
from itb_bayes.model.regimes_plan import RegimesPlan, plan_scoring

DRAWS = 100
TARGETS = {
    "device_fault": ("catheter", "pump"),
    "tolerance": ("tolerance",),
    "progression": ("progression",),
}
"""What is judged, and the explanations that it holds."""


def by_target(
    plan: RegimesPlan, probability: NDArray[np.float32]
) -> dict[str, NDArray[np.generic]]:
    """Return patients and days of all steps, and each target's probability (n_draw, n_step).

    ``probability`` is that of every explanation, (n_draw, n_step, 6).
    """
    found: dict[str, NDArray[np.generic]] = {
        "patient_id": np.array(plan.patient_ids)[plan.step_patient],
        "day": whole_days(plan.data[:, Col.T]),
    }
    for name, parts in TARGETS.items():
        held = [EXPLANATIONS.index(part) for part in parts]
        found[name] = np.minimum(probability[:, :, held].sum(axis=2), np.float32(1.0))
    return found


def read_draws(path: Path, keys: pd.MultiIndex) -> dict[str, NDArray[np.floating]]:
    """Return each target's probabilities (n_draw, n_visit) at visits of ``keys``."""
    with np.load(path, allow_pickle=False) as held:
        place = pd.MultiIndex.from_arrays([held["patient_id"], held["day"]]).get_indexer(keys)
        if np.any(place < 0):
            raise SystemExit(f"{path.name} lacks {np.sum(place < 0)} of the visits to be judged.")
        return {name: held[name][:, place] for name in TARGETS}


def main() -> int:
    """Read a fit, filter, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fit", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=DRAWS)
    options = parser.parse_args()
    fit = load_fit(options.fit)
    each = max(options.draws // fit.posterior.sizes["chain"], 1)
    plan = plan_scoring(fit.plan, Cohort.read(options.test))
    probability, _ = filter_visits(plan, regimes_draws(plan, thin(fit.posterior, each)))
    np.savez(options.out, **by_target(plan, probability))
    return 0


if __name__ == "__main__":
    sys.exit(main())
