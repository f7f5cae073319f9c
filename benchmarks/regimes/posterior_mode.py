"""Score a cohort at the posterior mode of a regimes model: a quick trial of a change to the model.

usage: python benchmarks/regimes/posterior_mode.py --fit COHORT --test COHORT --out SCORES.csv

No sampling, so no intervals and no gate: for development, and to say so wherever it is shown.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

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


def posterior_mode(spec: RegimesSpec, plan: RegimesPlan, seed: int = 1) -> xr.Dataset:
    """Return the highest mode that climbs of the sampler's own find, as a posterior of one draw.

    The mode is that on the unconstrained scale.
    """
    model = build_regimes(spec, plan)
    compiled = compile_model(model)
    density = Density(compiled)
    terrain = survey(density, find_starts(compiled, density, seed))
    mode = terrain.modes[0]
    values = density.expand(mode)
    data = {}
    for variable in model.free_RVs:
        name = variable.name
        dims: tuple[str, ...] = ()
        if name in BY_DIAGNOSIS:
            dims = ("diagnosis",)
        elif name in BY_CENTRE and plan.centres:
            dims = ("centre",)
        data[name] = (("chain", "draw", *dims), values[name][None, None])
    height = density.evaluate(mode)[0]
    sys.stderr.write(f"highest mode {height:.1f}; {len(terrain.modes)} within reach of chains\n")
    return xr.Dataset(data)


def score_at(posterior: xr.Dataset, fitted: RegimesPlan, cohort: Cohort) -> pd.DataFrame:
    """Return filtered probabilities at every visit, in the columns that the judge reads."""
    plan = plan_scoring(fitted, cohort)
    probability, _ = filter_visits(plan, regimes_draws(plan, posterior))
    ids = np.array(plan.patient_ids, dtype=object)[plan.step_patient]
    return pd.DataFrame(
        {
            "patient_id": np.repeat(ids, len(EXPLANATIONS)),
            "t_years": np.repeat(np.round(plan.data[:, Col.T], 4), len(EXPLANATIONS)),
            "explanation": np.tile(EXPLANATIONS, plan.data.shape[0]),
            "probability": probability[0].ravel().astype(float),
        }
    )


def main() -> int:
    """Fit, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="@regimes")
    parser.add_argument("--fit", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    started = time.monotonic()
    spec = load_model(options.model)
    if not isinstance(spec, RegimesSpec):
        parser.error(f"{options.model} is not a regimes model")
    plan = plan_regimes(spec, Cohort.read(options.fit))
    posterior = posterior_mode(spec, plan)
    table = score_at(posterior, plan, Cohort.read(options.test))
    table.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    sys.stderr.write(f"wrote {options.out} after {time.monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
