"""What the gate said of fits: convergence, effective draws, divergences, gradients and time.

    python benchmarks/shipped_fits.py FIT [FIT ...]

writes ``docs/results/shipped-fits.md``. The fits are those of the shipped cohorts, by
``itb-bayes fit @regimes data/synthetic/COHORT --seed 1 --out FIT``; hours of processor time for
``registry``, ten minutes each for the others.
"""

import json
import sys
from pathlib import Path
from typing import Any

import xarray as xr

from itb_bayes.inference.machinery import load_fit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results" / "shipped-fits.md"


def row(folder: Path) -> str:
    """Return the row of the table about one fit."""
    fit = load_fit(folder)
    manifest = fit.manifest
    criteria = json.loads((folder / "diagnostics.json").read_text(encoding="utf-8"))["criteria"]
    settings = manifest["settings"]
    n_step = fit.plan.offsets[-1] if hasattr(fit.plan, "offsets") else fit.plan.series.t_years.size
    cells: list[Any] = [
        f"`{fit.spec.name}` on `{manifest['cohort']}`",
        fit.plan.n_patient,
        f"{int(n_step):,}",
        f"{settings['chains']} x {settings['draws']}",
        "passed" if manifest["gate_passed"] else "**not passed**",
        f"{_worst(criteria, 'R-hat', max):.4f}",
        f"{_worst(criteria, 'bulk ESS', min):,.0f}",
        f"{_worst(criteria, 'tail ESS', min):,.0f}",
        f"{_worst(criteria, 'divergences', max):.0f}",
        f"{_worst(criteria, 'E-BFMI', min):.2f}",
        f"{_gradients(folder):.1f}",
        f"{manifest['wall_seconds'] / 60:.0f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _worst(criteria: list[dict[str, Any]], begins: str, farthest: Any) -> float:
    """Return the worst figure of parameters and of patients' probabilities."""
    return float(farthest(c["worst"] for c in criteria if c["name"].startswith(begins)))


def _gradients(folder: Path) -> float:
    """Return how many gradients a kept draw took."""
    with xr.open_datatree(folder / "draws.nc", engine="h5netcdf") as tree:
        return float(tree["sample_stats"]["n_steps"].mean())


def main(folders: list[str]) -> int:
    """Write the page; exit code 1 if a fit did not pass its gate."""
    rows = [row(Path(name)) for name in folders]
    lines = [
        "# Fits of the shipped cohorts",
        "",
        "SYNTHETIC cohorts, sampled with the standard profile and seed 1. Worst figures over all "
        "parameters and over the reported probabilities of every patient. Minutes are those of the "
        "clock on two cores, with other work beside.",
        "",
        "| fit | patients | days of record | chains x draws | gate | R-hat | bulk ESS | tail ESS "
        "| divergences | E-BFMI | gradients a draw | minutes |",
        "|---|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
        "",
        "Repeat with `itb-bayes fit @regimes data/synthetic/COHORT --seed 1 --out FIT` for each and "
        "`python benchmarks/shipped_fits.py FIT [FIT ...]`. `skoog2019` holds yearly doses alone: "
        "the other channels are missing.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    return int(any("not passed" in line for line in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
