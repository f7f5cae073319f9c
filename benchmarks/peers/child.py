"""One tool in a process of its own: ``python -m peers.child TOOL FOLDER OUT [options]``.

Appends one line of JSON to OUT as each step ends, so that a run that is stopped still tells how
far it came.
"""

import time

_STARTED = time.perf_counter()

import argparse  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from peers.catalogue import entry  # noqa: E402
from peers.problem import read_problem  # noqa: E402
from peers.process_tree import cpu_seconds, peak_rss_mb  # noqa: E402
from peers.run import Draws, Run  # noqa: E402


def main() -> None:
    """Prepare, sample and summarise; each step is timed apart."""
    options = _options()
    chosen = entry(options.tool)
    run = Run(
        read_problem(options.folder),
        options.folder,
        options.draws,
        options.tune,
        options.chains,
        options.seed,
    )
    tool = chosen.make()
    at_start = cpu_seconds(), time.perf_counter()
    _append(options.out, "import", cpu_s=at_start[0], wall_s=at_start[1] - _STARTED)
    prepared = tool.prepare(run)
    prepared_at = cpu_seconds(), time.perf_counter()
    _append(
        options.out,
        "setup",
        cpu_s=prepared_at[0] - at_start[0],
        wall_s=prepared_at[1] - at_start[1],
    )
    draws = tool.sample(prepared, run)
    sampled_at = cpu_seconds(), time.perf_counter()
    _append(
        options.out,
        "sampling",
        cpu_s=sampled_at[0] - prepared_at[0],
        wall_s=sampled_at[1] - prepared_at[1],
        compiling_cpu_s=draws.setup_cpu_s,
        handing_over_cpu_s=draws.handing_over_cpu_s,
        peak_rss_mb=peak_rss_mb(),
    )
    _append(
        options.out,
        "summary",
        divergences=draws.divergences,
        versions=chosen.versions(),
        parameters=summarise(draws),
    )


def summarise(draws: Draws) -> dict[str, dict[str, float]]:
    """Return mean, SD, Monte Carlo error, ESS and R-hat of every population parameter."""
    import arviz_stats as az
    import xarray as xr

    data = xr.Dataset({name: (("chain", "draw"), v) for name, v in draws.values.items()})
    measures = {
        "mean": data.mean(("chain", "draw")),
        "sd": data.std(("chain", "draw")),
        "mcse": az.mcse(data, method="mean"),
        "ess_bulk": az.ess(data, method="bulk"),
        "ess_tail": az.ess(data, method="tail"),
        "r_hat": az.rhat(data),
    }
    return {
        str(name): {of: _plain(values[name]) for of, values in measures.items()}
        for name in data.data_vars
    }


def _plain(value: Any) -> float:
    return float(np.asarray(value))


def _append(out: Path, step: str, **values: Any) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **values}) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
