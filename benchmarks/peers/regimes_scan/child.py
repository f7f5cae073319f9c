"""One of both models in a process of its own: ``python -m peers.regimes_scan.child WHICH OUT``.

Appends one line of JSON to OUT as each step ends, so that a run that is stopped still tells how
far it came.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, ClassVar

import arviz_stats as az
import numpy as np
import nutpie

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference import sampling, whitening
from itb_bayes.inference.density import Density
from itb_bayes.inference.sampling import (
    chain_batches,
    compile_model,
    in_coordinates,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import profile_settings
from itb_bayes.model.regimes import build_regimes
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.spec import load_model
from peers.process_tree import peak_rss_mb
from peers.regimes_scan.model import build_plain

BUILDERS = {"ours": build_regimes, "plain": build_plain}
N_POINT = 4
"""Points at which value and gradient of both are compared."""
SECONDS = 10.0
"""How long gradients are timed; three at the least."""


def main() -> None:
    """Build, compile, time gradients, and sample where that can end in time."""
    options = _options()
    spec = load_model(options.model)
    plan = plan_regimes(spec, Cohort.read(options.cohort))
    if options.patients:
        plan = plan.select(np.arange(min(options.patients, plan.n_patient)))
    size = {"patients": plan.n_patient, "steps": int(plan.offsets[-1]),
            "longest": int(np.diff(plan.offsets).max())}  # fmt: skip
    _append(options.out, "import", cpu_s=time.process_time(), **size)
    started = time.process_time(), time.perf_counter()
    compiled = compile_model(BUILDERS[options.which](spec, plan))
    density = Density(compiled)
    points = points_of(compiled)
    density.evaluate(points[0])
    _append(
        options.out, "compile", cpu_s=time.process_time() - started[0],
        wall_s=time.perf_counter() - started[1], dimensions=density.n_dim,
        peak_rss_mb=peak_rss_mb(),
    )  # fmt: skip
    seen = [density.evaluate(point) for point in points]
    times = gradient_times(density, points[0])
    _append(
        options.out, "gradient", shortest_s=min(times), median_s=float(np.median(times)),
        calls=len(times), peak_rss_mb=peak_rss_mb(), points=[list(point) for point in points],
        values=[value for value, _ in seen], gradients=[list(slope) for _, slope in seen],
    )  # fmt: skip
    if options.gradients * min(times) <= options.sample_limit:
        settings = profile_settings("quick", "regimes", draws=options.draws, seed=options.seed)
        _append(options.out, "sampling", **sample(compiled, settings))


def points_of(compiled: Any) -> list[np.ndarray]:
    """Return points near the middle of the priors: the same for both models."""
    rng = np.random.default_rng(20261123)
    starts = [np.asarray(compiled.initial_point_func(k)) for k in range(40)]
    middle = np.mean(starts, axis=0).round(1)
    return [middle + rng.uniform(-0.3, 0.3, middle.size) for _ in range(N_POINT)]


def gradient_times(density: Density, point: np.ndarray) -> list[float]:
    """Return the processor time of each of several values with gradient, as the sampler asks."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < SECONDS:
        started = time.process_time_ns()
        density.evaluate(point)
        times.append(1e-9 * (time.process_time_ns() - started))
    return times


class Counted(Density):
    """A density that counts how often it is asked: for mode and curvature."""

    asked: ClassVar[list[None]] = []

    def evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Count, and evaluate."""
        Counted.asked.append(None)
        return super().evaluate(x)


class Leapfrogs:
    """Counts the steps of the sampler, warm-up included; each is one gradient."""

    def __init__(self) -> None:
        self.taken = 0
        self._sample, self._check = nutpie.sample, sampling.check_complete

    def sample(self, compiled: Any, **options: Any) -> Any:
        """Sample, and keep the warm-up, of which only the steps are looked at."""
        return self._sample(compiled, **(options | {"save_warmup": True}))

    def check(self, tree: Any, *given: Any) -> Any:
        """Count, and check."""
        for group in ("warmup_sample_stats", "sample_stats"):
            self.taken += int(tree[group]["n_steps"].sum())
        return self._check(tree, *given)


def sample(compiled: Any, settings: Any) -> dict[str, Any]:
    """Sample by the package's own sampler and return how well, at what cost."""
    leapfrogs = Leapfrogs()
    whitening.Density = Counted  # type: ignore[misc]
    nutpie.sample, sampling.check_complete = leapfrogs.sample, leapfrogs.check
    started = time.process_time(), time.perf_counter()
    target = in_coordinates(compiled, settings)
    before = len(Counted.asked)
    tree = join_batches([sample_batch(target, settings, b) for b in chain_batches(settings)])
    spent = time.process_time() - started[0], time.perf_counter() - started[1]
    draws = tree["posterior"].to_dataset()
    moving = draws[[name for name in draws if float(draws[name].std()) > 0.0]]
    bulk, tail, r_hat = az.ess(moving), az.ess(moving, method="tail"), az.rhat(moving)
    least = min(moving.data_vars, key=lambda name: float(bulk[name].min()))
    return {
        "cpu_s": spent[0],
        "wall_s": spent[1],
        "chains": settings.chains,
        "draws": settings.draws,
        "tune": settings.tune,
        "gradients": before + leapfrogs.taken,
        "gradients_before": before,
        "ess_bulk": float(bulk[least].min()),
        "least": str(least),
        "ess_tail": min(float(tail[name].min()) for name in moving),
        "r_hat": max(float(r_hat[name].max()) for name in moving),
        "divergences": int(tree["sample_stats"]["diverging"].sum()),
        "peak_rss_mb": peak_rss_mb(),
    }


def _append(out: Path, step: str, **values: Any) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **values}) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=sorted(BUILDERS))
    parser.add_argument("out", type=Path)
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
