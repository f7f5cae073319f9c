"""Speed of the regimes model beside the same model written plainly in PyMC and in Stan.

usage: python benchmarks/regimes_speed.py [--model @regimes] [--patients N] [--limit 1800]
           [--sample-limit 600] [--stan-python PATH] [--keep FOLDER] [--out docs/results]

Both of PyMC have the same priors, transforms, parameters and sampler; only the likelihood differs:
the package's kernel, or PyTensor operations with ``pytensor.scan`` over visits and gradients by
automatic differentiation. The Stan program has the same posterior and Stan's own sampler; it runs
where there is a Python with pystan. Each runs in a process of its own, one after the other. A plain
model is sampled only where the package's gradients, at its price of one, would take no more than
``--sample-limit`` seconds of processor time. What is in the folder ``--keep`` is not measured
again. Writes regimes-speed.json and regimes-speed.md. Progress goes to stderr.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peers.catalogue import entry
from peers.interpreter import STAN_PYTHON
from peers.machine import describe_machine
from peers.outcome import read_steps
from peers.regimes_scan.page import render_page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MODULES = {
    "ours": ("peers.regimes_scan.child", "ours"),
    "plain": ("peers.regimes_scan.child", "plain"),
    "stan": ("peers.regimes_stan.child",),
}


def run_child(which: str, options: argparse.Namespace, folder: Path, *more: str) -> dict[str, Any]:
    """Run one model in a process of its own, stopped at the limit; return what it wrote."""
    out, caches = folder / f"{which}.jsonl", folder / f"caches-{which}"
    kept = read_steps(out)
    if "gradient" in kept:
        say(f"{which}: kept from an earlier run")
        return {"status": "done", **kept}
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", *MODULES[which], str(out), *more]
    for name in ("model", "cohort", "patients", "draws", "seed"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "ITB_BAYES_CACHE": str(caches),
    }
    say(f"{which}: started")
    started = time.perf_counter()
    with (folder / f"{which}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=HERE, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            status = "done" if process.wait(timeout=options.limit) == 0 else "failed"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = "stopped"
    say(f"{which}: {status} after {time.perf_counter() - started:.0f} s")
    if status == "failed":
        say((folder / f"{which}.log").read_text(encoding="utf-8")[-2000:])
    return {"status": status, **read_steps(out)}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run all, the package first: its gradients tell how many sampling takes."""
    ours = run_child("ours", options, folder)
    if "gradient" not in ours:
        raise SystemExit("the package's own model did not finish")
    limits = (
        "--gradients", str(ours.get("sampling", {"gradients": 1e9})["gradients"]),
        "--sample-limit", str(options.sample_limit),
    )  # fmt: skip
    found = {"ours": ours}
    if "plain" in options.beside:
        found["plain"] = run_child("plain", options, folder, *limits)
    if "stan" in options.beside:
        if entry("stan-centred").is_installed():
            points = ("--points", str(folder / "ours.jsonl"))
            found["stan"] = run_child("stan", options, folder, *limits, *points)
        else:
            say("stan: there is no Python with pystan, left out")
            found["stan"] = {"status": "not installed"}
    return found


def say(text: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> None:
    """Run the benchmark and write its results."""
    options = _options()
    if options.stan_python:
        named = shutil.which(options.stan_python) or options.stan_python
        os.environ[STAN_PYTHON] = os.path.abspath(named)
    load = os.getloadavg()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="regimes-speed-") as scratch:
        found = measure(options, options.keep or Path(scratch))
    settings = {
        name: getattr(options, name)
        for name in ("model", "patients", "draws", "seed", "limit", "sample_limit")
    }
    result = {
        "machine": describe_machine(), "load_before_1_5_15_min": list(load),
        "minutes": (time.perf_counter() - started) / 60.0,
        "kept": options.keep is not None,
        "settings": settings | {"cohort": options.cohort.name}, **found,
    }  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("regimes-speed.json", json.dumps(result, indent=1) + "\n"),
        ("regimes-speed.md", render_page(result)),
    ):
        (options.out / name).write_text(text, encoding="utf-8", newline="\n")
    say(f"wrote {options.out / 'regimes-speed.md'} after {result['minutes']:.1f} minutes")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="@regimes")
    parser.add_argument("--cohort", type=Path, default=ROOT / "data/synthetic/clinic-small")
    parser.add_argument("--patients", type=int, default=0, help="the first so many; 0: all")
    parser.add_argument("--draws", type=int, default=250, help="kept draws per chain")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds per process")
    parser.add_argument(
        "--sample-limit",
        type=float,
        default=600.0,
        help="processor seconds of sampling a plain model",
    )
    parser.add_argument(
        "--beside", nargs="+", choices=("plain", "stan"), default=["plain", "stan"],
        help="what the package is measured beside",
    )  # fmt: skip
    parser.add_argument(
        "--stan-python",
        metavar="PATH",
        default=os.environ.get(STAN_PYTHON),
        help=f"the Python with pystan; otherwise what {STAN_PYTHON} names",
    )
    parser.add_argument("--keep", type=Path, help="an existing folder for what was measured")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
