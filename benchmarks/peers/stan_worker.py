"""Builds and samples a Stan program; runs under the interpreter that has pystan.

usage: python stan_worker.py PROGRAM TASK OUT

TASK is a file of JSON: the data and the settings. The program is built first. Then every line on
standard input asks for a run with the settings; its draws are written to OUT. Each step is answered
by a line of JSON on standard output; that of a run tells the processor time of this process, which
receives and reads what the chains, processes of their own, write. Nothing of this package is
imported.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import httpstan.cache
import numpy as np
import stan


def main() -> None:
    """Build, then sample when asked to."""
    program, task_file, out = (Path(argument) for argument in sys.argv[1:])
    # What pystan and the compiler print goes to the log: answers alone are on standard output.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        task = json.loads(task_file.read_text(encoding="utf-8"))
        model = stan.build(
            program.read_text(encoding="utf-8"), data=task["data"], random_seed=task["seed"]
        )
        _answer(answers, "built")
        for _ in sys.stdin:
            started = time.process_time()
            _sample(model, task, out)
            _answer(answers, "sampled", own_cpu_s=time.process_time() - started)


def _sample(model: Any, task: dict[str, Any], out: Path) -> None:
    # pystan would hand out the draws of an earlier run with the same seed, data and settings.
    kept = httpstan.cache.model_directory(model.model_name) / "fits"
    shutil.rmtree(kept, ignore_errors=True)
    chains = task["chains"]
    fit = model.sample(num_chains=chains, num_samples=task["draws"], num_warmup=task["tune"])
    names = (*task["report"], "divergent__")
    np.savez(out, **{name: by_chain(fit[name], chains) for name in names})


def by_chain(flat: Any, chains: int) -> Any:
    """Return draws of shape (chain, draw, ...) from pystan's (..., draw times chain)."""
    flat = np.asarray(flat)
    split = flat.reshape(*flat.shape[:-1], -1, chains)
    ordered = np.moveaxis(split, (-1, -2), (0, 1))
    return ordered[..., 0] if ordered.shape[2:] == (1,) else ordered


def _answer(answers: Any, step: str, **values: float) -> None:
    answers.write(json.dumps({"step": step, **values}) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
