"""Score a cohort about the posterior mode of a regimes model: a quick trial of a change to the model.

usage: python benchmarks/regimes/posterior_mode.py --fit COHORT --test COHORT --out SCORES.csv
           [--draws DRAWS.npz]

The posterior is taken for the Gaussian that its height and curvature at the mode give (Laplace);
scores are means over draws of it, and DRAWS.npz holds the probabilities under each. No sampling, so
no gate: for development, and to say so wherever it is shown.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from visit_draws import DRAWS, by_target

from itb_bayes.cohort import Cohort
from itb_bayes.inference.density import Density
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_visits
from itb_bayes.inference.sampling import compile_model
from itb_bayes.inference.whitening import find_starts, survey
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Col
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS, build_regimes
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes, plan_scoring
from itb_bayes.spec import RegimesSpec, load_model


def about_mode(spec: RegimesSpec, plan: RegimesPlan, n_draw: int, seed: int = 1) -> xr.Dataset:
    """Return draws of the Gaussian about the highest mode that the sampler's own climbs find.

    Mode and curvature are those on the unconstrained scale.
    """
    model = build_regimes(spec, plan)
    compiled = compile_model(model)
    density = Density(compiled)
    terrain = survey(density, find_starts(compiled, density, seed))
    rng = np.random.default_rng(seed)
    drawn = [
        density.expand(terrain.white.place(rng.standard_normal(density.n_dim)))
        for _ in range(n_draw)
    ]
    data = {}
    for variable in model.free_RVs:
        name = variable.name
        dims: tuple[str, ...] = ()
        if name in BY_DIAGNOSIS:
            dims = ("diagnosis",)
        elif name in BY_CENTRE and plan.centres:
            dims = ("centre",)
        data[name] = (("chain", "draw", *dims), np.stack([values[name] for values in drawn])[None])
    height = density.evaluate(terrain.modes[0])[0]
    sys.stderr.write(f"highest mode {height:.1f}; {len(terrain.modes)} within reach of chains\n")
    return xr.Dataset(data)


def mean_scores(plan: RegimesPlan, probability: NDArray[np.float32]) -> pd.DataFrame:
    """Return means over draws (n_draw, n_step, 6) in the columns that the judge reads."""
    ids = np.array(plan.patient_ids, dtype=object)[plan.step_patient]
    return pd.DataFrame(
        {
            "patient_id": np.repeat(ids, len(EXPLANATIONS)),
            "t_years": np.repeat(np.round(plan.data[:, Col.T], 4), len(EXPLANATIONS)),
            "explanation": np.tile(EXPLANATIONS, plan.data.shape[0]),
            "probability": probability.mean(axis=0, dtype=float).ravel(),
        }
    )


def main() -> int:
    """Fit, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="@regimes")
    parser.add_argument("--fit", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=Path, help="probabilities under each draw go here")
    options = parser.parse_args()
    started = time.monotonic()
    spec = load_model(options.model)
    if not isinstance(spec, RegimesSpec):
        parser.error(f"{options.model} is not a regimes model")
    plan = plan_regimes(spec, Cohort.read(options.fit))
    posterior = about_mode(spec, plan, DRAWS)
    scored = plan_scoring(plan, Cohort.read(options.test))
    probability, _ = filter_visits(scored, regimes_draws(scored, posterior))
    if options.draws:
        np.savez(options.draws, **by_target(scored, probability))
    table = mean_scores(scored, probability)
    table.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    sys.stderr.write(f"wrote {options.out} after {time.monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
