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
from pymc.blocking import DictToArrayBijection, RaveledVars
from scipy.optimize import minimize

from itb_bayes.cohort import Cohort
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_visits
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Col
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS, build_regimes
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes, plan_scoring
from itb_bayes.spec import RegimesSpec, load_model


def posterior_mode(spec: RegimesSpec, plan: RegimesPlan, iterations: int = 200) -> xr.Dataset:
    """Return the mode on the unconstrained scale, as a posterior of one draw."""
    model = build_regimes(spec, plan)
    density = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    density.set_extra_values({})
    start = DictToArrayBijection.map(model.initial_point())

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(x)
        return -float(value), -np.asarray(gradient)

    found = minimize(loss, start.data, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    point = DictToArrayBijection.rmap(RaveledVars(found.x, start.point_map_info))
    names = [variable.name for variable in model.free_RVs]
    values = model.compile_fn(model.unobserved_value_vars, inputs=model.value_vars)(point)
    by_name = dict(zip([v.name for v in model.unobserved_value_vars], values, strict=True))
    data = {}
    for name in names:
        dims: tuple[str, ...] = ()
        if name in BY_DIAGNOSIS:
            dims = ("diagnosis",)
        elif name in BY_CENTRE and plan.centres:
            dims = ("centre",)
        data[name] = (("chain", "draw", *dims), np.asarray(by_name[name])[None, None])
    sys.stderr.write(f"mode after {found.nit} steps: {-found.fun:.1f}\n")
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
