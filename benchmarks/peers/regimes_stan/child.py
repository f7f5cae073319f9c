"""The Stan program in a process of its own: ``python -m peers.regimes_stan.child OUT``.

Appends one line of JSON to OUT as each step ends, as :mod:`peers.regimes_scan.child` does: the same
steps and names. The program is compared at the points that the package's own process wrote.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.spec import load_model
from peers.catalogue import entry
from peers.outcome import read_steps
from peers.process_tree import cpu_seconds
from peers.regimes_stan.data import stan_data
from peers.regimes_stan.process import StanProcess
from peers.regimes_stan.starts import starts
from peers.regimes_stan.values import VECTORS, Values, values_of

SHORT, LONG = 2, 12
"""Draws of both runs whose difference tells the time of a gradient."""
REPEATS = 3
DEPTH = 4
"""Largest depth of a tree in those runs: 15 leapfrog steps a draw."""
CHAINS, TUNE, DEEPEST = 4, 1000, 10
"""Stan's defaults."""


def main() -> None:
    """Build, compare, time gradients, and sample where that can end in time."""
    options = _options()
    spec = load_model(options.model)
    plan = plan_regimes(spec, Cohort.read(options.cohort))
    if options.patients:
        plan = plan.select(np.arange(min(options.patients, plan.n_patient)))
    values = values_of(spec, plan)
    size = {"patients": plan.n_patient, "steps": int(plan.offsets[-1]),
            "longest": int(np.diff(plan.offsets).max())}  # fmt: skip
    _append(options.out, "import", cpu_s=time.process_time(), **size)
    started = cpu_seconds(), time.perf_counter()
    stan = StanProcess(stan_data(spec, plan), options.out.parent)
    _append(
        options.out, "compile", cpu_s=cpu_seconds() - started[0],
        wall_s=time.perf_counter() - started[1], dimensions=len(values.names),
        versions=entry("stan-centred").versions(),
    )  # fmt: skip
    points = np.array(read_steps(options.points)["gradient"]["points"])
    seen = stan.density(points[:, values.order].tolist())
    times, leapfrogs = gradient_times(stan, values)
    _append(
        options.out, "gradient", shortest_s=min(times), median_s=float(np.median(times)),
        calls=leapfrogs, points=points.tolist(), values=seen["values"],
        gradients=np.array(seen["gradients"])[:, values.at].tolist(),
    )  # fmt: skip
    if options.gradients * min(times) <= options.sample_limit:
        _append(options.out, "sampling", **sample(stan, values, options.draws, options.seed))
    stan.close()


def gradient_times(stan: StanProcess, values: Values) -> tuple[list[float], int]:
    """Return processor times of a leapfrog step, and how many steps they were taken from.

    A step is one gradient. Asking for single gradients would time the passing of requests and the
    reading of data; so does the beginning of a run. What a longer run takes more than a shorter one
    of the same chain is steps alone.
    """
    times, leapfrogs = [], 0
    for repeat in range(1, REPEATS + 1):
        short, long = (
            stan.sampling(
                seed=repeat, chains=1, tune=0, draws=draws, max_depth=DEPTH,
                init=starts(values, 1, repeat),
            )
            for draws in (SHORT, LONG)
        )  # fmt: skip
        more = long["leapfrogs"] - short["leapfrogs"]
        times.append((long["cpu_s"] - short["cpu_s"]) / more)
        leapfrogs += more
    return times, leapfrogs


def sample(stan: StanProcess, values: Values, draws: int, seed: int) -> dict[str, Any]:
    """Sample as Stan does by default and return how well, at what cost."""
    started = time.perf_counter()
    found = stan.sampling(
        seed=seed, chains=CHAINS, tune=TUNE, draws=draws, max_depth=DEEPEST,
        init=starts(values, CHAINS, seed),
    )  # fmt: skip
    wall_s = time.perf_counter() - started
    with np.load(found["file"]) as drawn:
        posterior = named_draws({name: drawn[name] for name in VECTORS}, values)
        divergences = int(drawn["divergent__"].sum())
    bulk, tail, r_hat = az.ess(posterior), az.ess(posterior, method="tail"), az.rhat(posterior)
    least = min(posterior.data_vars, key=lambda name: float(bulk[name]))
    return {
        "cpu_s": found["cpu_s"],
        "handing_over_cpu_s": found["own_cpu_s"],
        "wall_s": wall_s,
        "chains": CHAINS,
        "draws": draws,
        "tune": TUNE,
        "gradients": found["leapfrogs"],
        "gradients_before": 0,
        "ess_bulk": float(bulk[least]),
        "least": str(least),
        "ess_tail": min(float(tail[name]) for name in posterior),
        "r_hat": max(float(r_hat[name]) for name in posterior),
        "divergences": divergences,
    }


def named_draws(drawn: dict[str, np.ndarray], values: Values) -> xr.Dataset:
    """Return every value of the program's vectors, (chain, draw, place), by the package's name."""
    joined = np.concatenate([drawn[name] for name in VECTORS], axis=-1)[..., values.at]
    names = [f"{name}[{k}]" for k, name in enumerate(values.names)]
    return xr.Dataset({name: (("chain", "draw"), joined[..., k]) for k, name in enumerate(names)})


def _append(out: Path, step: str, **values: Any) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **values}) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--points", type=Path, required=True, help="what the package's run wrote")
    parser.add_argument("--model", default="@regimes")
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=0, help="the first so many; 0: all")
    parser.add_argument("--draws", type=int, default=250)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--gradients", type=float, default=0.0, help="that sampling will take")
    parser.add_argument("--sample-limit", type=float, default=np.inf, help="processor seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
