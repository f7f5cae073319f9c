"""The four commands that are killed, made cheap: real files, draws that no sampler made.

Everything that touches the disk is the package's own code. Only the sampler is replaced, by draws
from the middle of the priors, so that a job takes a second instead of a minute.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.experiment import rank_parameters, thin_to
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference import bundle
from itb_bayes.inference import fit as fitting
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS
from itb_bayes.model.regimes_parameters import used_priors
from itb_bayes.report.writing import write_report
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
from itb_bayes.spec import load_model

SETTINGS = SamplerSettings(draws=50, tune=50, chains=8, seed=3)
REPLICATES = 25


@dataclass(frozen=True)
class Job:
    """One command: how it is run into a folder, and how its results are judged.

    Attributes
    ----------
    run : callable
        Of the folder for the results.
    results : callable
        Of that folder: every finished result by name, whole; raises when one is half-written.
    """

    run: Callable[[Path], None]
    results: Callable[[Path], dict[str, bytes]]


def make_jobs(work: Path) -> dict[str, Job]:
    """Prepare the cohort and the fits that the jobs read, and return the jobs."""
    made = simulate_cohort(load_settings("clinic-small", patients=6, years=3, seed=5))
    write_cohort(made, work / "cohort")
    cohort = Cohort.read(work / "cohort")
    for model in ("drift", "regimes"):
        _fit(model, cohort, work / model)
    return {
        "fit": Job(lambda out: _fit("drift", cohort, out / "fit"), _fit_results),
        "calibrate": Job(_calibrate, _calibration_results),
        "score": Job(lambda out: _score(work, out), _plain_files),
        "report": Job(lambda out: _report(work / "drift", out / "pages"), _report_results),
    }


def _fit(model: str, cohort: Cohort, out: Path) -> None:
    spec = load_model(f"@{model}")
    machinery = fitting.machinery_of(spec)
    plan = machinery.plan(spec, cohort, until_years=None)

    def sample(target: Any, settings: SamplerSettings, batch: Any, report: Any) -> xr.DataTree:
        with (out.parent / "sampled.log").open("a") as log:
            log.write(f"{batch.first}\n")
        return _draws(spec, plan, settings.draws, batch)

    replaced = {
        "machinery_of": lambda spec: replace(machinery, build=lambda *a: None),
        "compile_model": lambda model: model,
        "in_coordinates": lambda compiled, settings: compiled,
        "sample_batch": sample,
    }
    before = {name: getattr(fitting, name) for name in replaced}
    for name, value in replaced.items():
        setattr(fitting, name, value)
    try:
        fitting.fit(spec, cohort, SETTINGS, out, quiet=True)
    finally:
        for name, value in before.items():
            setattr(fitting, name, value)


def _draws(spec: Any, plan: Any, n: int, batch: Any) -> xr.DataTree:
    rng = np.random.default_rng(batch.seed)
    if spec.kind == "drift":
        from itb_bayes.checks.prior_draws import draw_prior

        chains = [draw_prior(spec, plan, n, int(rng.integers(2**31))) for _ in range(batch.size)]
        posterior = xr.concat(
            [c.assign_coords(chain=[k], draw=range(n)) for k, c in enumerate(chains)], "chain"
        )
    else:
        posterior = _regimes_draws(spec, plan, n, batch.size, rng)
    posterior = posterior.assign_coords(chain=range(batch.first, batch.first + batch.size))
    shape = (batch.size, n)
    stats = {"diverging": np.zeros(shape, dtype=bool), "energy": rng.standard_normal(shape)}
    sample_stats = xr.Dataset({name: (("chain", "draw"), values) for name, values in stats.items()})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": sample_stats})


def _regimes_draws(spec: Any, plan: Any, n: int, size: int, rng: Any) -> xr.Dataset:
    arrays = {}
    for name in sorted(used_priors(plan)):
        prior = spec.resolved_priors[name]
        priors, dims = [prior], ()
        if name in BY_DIAGNOSIS:
            dims, priors = ("diagnosis",), [prior.by.get(d, prior) for d in plan.diagnoses]
        elif name in BY_CENTRE and plan.centres:
            dims, priors = ("centre",), [prior] * len(plan.centres)
        drawn = [[p.quantile(u) for u in rng.uniform(0.4, 0.6, size * n)] for p in priors]
        values = np.array(drawn).T.reshape(size, n, len(priors))
        arrays[name] = (("chain", "draw", *dims), values if dims else values[:, :, 0])
    coords = {"chain": range(size), "draw": range(n), "diagnosis": list(plan.diagnoses)}
    if plan.centres:
        coords["centre"] = list(plan.centres)
    return xr.Dataset(arrays, coords)


def _fit_results(out: Path) -> dict[str, bytes]:
    folder = out / "fit"
    found = {}
    for chains in sorted(out.glob(".fit.*.part/chains/*.nc")):
        bundle.read_tree(chains)
        found[f"part/{chains.name}"] = b""
    if folder.exists():
        load_fit(folder)
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            if path.name == "manifest.json":
                manifest = {
                    k: v
                    for k, v in json.loads(content).items()
                    if k not in ("wall_seconds", "seal")
                }
                content = json.dumps(manifest, sort_keys=True).encode()
            found[path.name] = content
    return found


def _report(fit: Path, out: Path) -> None:
    write_report(load_fit(fit), out, allow_unconverged=True)


def _report_results(out: Path) -> dict[str, bytes]:
    pages = out / "pages"
    names = (
        sorted(p for p in pages.iterdir() if not p.name.startswith(".")) if pages.is_dir() else []
    )
    return {p.name: p.read_bytes() for p in names}


def _score(work: Path, out: Path) -> None:
    from itb_bayes.cli.main import app

    arguments = ["score", str(work / "regimes"), str(work / "cohort"), "--format", "csv"]
    part = out / "table.csv.unfinished"  # what a shell's > leaves when the command is killed
    with part.open("w") as file, contextlib.redirect_stdout(file):
        sys.stdout = file
        app([*arguments, "--allow-unconverged", "--quiet"], standalone_mode=False)
    part.rename(out / "table.csv")


def _plain_files(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.glob("*.csv"))}


class OneMean:
    """A calibration that costs milliseconds: one mean, its posterior known exactly."""

    identity = {"kind": "prior", "model": "one-mean"}  # noqa: RUF012

    def draw_truth(self, rng: Any) -> xr.Dataset:
        """Draw a mean from its prior."""
        return xr.Dataset({"a": (("chain", "draw"), [[rng.standard_normal()]])})

    def simulate(self, truth: xr.Dataset, rng: Any) -> float:
        """Draw one reading."""
        time.sleep(0.01)
        return float(truth["a"].item() + rng.standard_normal())

    def fit(self, data: float, seed: int) -> xr.DataTree:
        """Draw from the posterior, normal(data / 2, 1 / 2)."""
        rng = np.random.default_rng(seed)
        draws = data / 2 + np.sqrt(0.5) * rng.standard_normal((2, 300))
        stats = {"diverging": (("chain", "draw"), np.zeros((2, 300), dtype=bool))}
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset({"a": (("chain", "draw"), draws)}),
                "sample_stats": xr.Dataset(stats),
            }
        )

    def ranks(self, truth: xr.Dataset, data: float, tree: xr.DataTree) -> dict[str, int]:
        """Rank the truth."""
        return rank_parameters(thin_to(tree["posterior"].to_dataset()), truth)


def _calibrate(out: Path) -> None:
    calibrate(OneMean(), out / "run", replicates=REPLICATES, place=Workplace(0), quiet=True)


def _calibration_results(out: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted((out / "run").rglob("*")) if (out / "run").is_dir() else []:
        if path.is_file() and not path.name.startswith("."):
            found[path.name] = path.read_bytes()
            if path.suffix == ".json":
                json.loads(found[path.name])
    return found
