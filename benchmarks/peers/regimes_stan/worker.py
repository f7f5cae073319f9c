"""Builds the Stan program and does what it is asked; runs under the interpreter that has pystan.

usage: python -m peers.regimes_stan.worker PROGRAM DATA

The program is built first. Then every line on standard input is a request in JSON: log densities and
gradients at points, or draws. Each step is answered by a line of JSON on standard output. Nothing of
the package is imported.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpstan.cache
import httpstan.compile
import numpy as np
import stan

from peers.stan_worker import by_chain

TRANSLATING_S = 60


def main() -> None:
    """Build, then answer requests until there are no more."""
    program, data = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])
    # What pystan and the compiler print goes to the log: answers alone are on standard output.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        httpstan.compile.subprocess = SimpleNamespace(run=_translated)
        model = stan.build(program, data=json.loads(data), random_seed=1)
        _answer(answers, {"step": "built"})
        for line in sys.stdin:
            request = json.loads(line)
            step = request.pop("step")
            _answer(answers, {"step": step, **STEPS[step](model, **request)})


def _translated(command: list[Any], **options: Any) -> Any:
    """Run Stan's translator: httpstan gives it a second, too little where other work is going on."""
    return subprocess.run(command, **{**options, "timeout": TRANSLATING_S}, check=False)


def density(model: Any, points: list[list[float]]) -> dict[str, Any]:
    """Return log densities, Jacobian included, and gradients at points of the unconstrained scale."""
    return {
        "values": [model.log_prob(point) for point in points],
        "gradients": [list(model.grad_log_prob(point)) for point in points],
    }


def sampling(
    model: Any, out: str, seed: int, chains: int, tune: int, draws: int, init: list[Any],
    max_depth: int,
) -> dict[str, Any]:  # fmt: skip
    """Sample, write what was drawn to ``out``, and return the number of leapfrog steps.

    Those of the warm-up are counted too, but not the few that find the first step size. The
    processor time told is that of this process, which waits for the chains and reads what they
    write.
    """
    started = time.process_time()
    # pystan would hand out the draws of an earlier run with the same seed, data and settings.
    kept = httpstan.cache.model_directory(model.model_name) / "fits"
    shutil.rmtree(kept, ignore_errors=True)
    fit = stan.build(model.program_code, data=model.data, random_seed=seed).sample(
        num_chains=chains, num_warmup=tune, num_samples=draws, save_warmup=True, init=init,
        max_depth=max_depth,
    )  # fmt: skip
    drawn = {
        name: by_chain(fit[name], chains)
        for name in (*fit.param_names, "divergent__", "n_leapfrog__")
    }
    np.savez(out, **{name: values[:, tune:] for name, values in drawn.items()})
    return {
        "leapfrogs": int(drawn["n_leapfrog__"].sum()),
        "own_cpu_s": time.process_time() - started,
    }


STEPS = {"density": density, "sampling": sampling}


def _answer(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
