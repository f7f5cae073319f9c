"""Forecasts of a held-out last year on ``registry``, and models compared by left-out patients.

Writes ``docs/results/forecast-coverage.md``:

    python benchmarks/forecast_coverage.py [--models @drift @drift-iid ...] [--out docs/results]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.compare import compare_fits, sentence
from itb_bayes.evaluate.holdout import ForecastScores, hold_out_last_year, score_forecasts
from itb_bayes.inference.fit import fit
from itb_bayes.inference.settings import profile_settings
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("@drift", "@drift-random-walk", "@drift-gaussian", "@drift-iid")


def score_row(name: str, s: ForecastScores, gate: str, seconds: float) -> str:
    """Return one row of the table."""
    return (
        f"| `{name}` | {100 * s.coverage_50:.1f} | {100 * s.coverage_90:.1f} | {s.width_90:.2f} | "
        f"{s.crps:.4f} | {s.brier_rise:.4f} | {100 * s.mean_p_rise:.1f} | "
        f"{100 * s.rise_rate:.1f} | {gate} | {seconds:.0f} |"
    )


def main() -> int:
    """Fit, score and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--profile", default="standard")
    arguments = parser.parse_args()
    cohort = Cohort.read(ROOT / "data" / "synthetic" / "registry")
    rows, fits, n = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            spec = load_model(name)
            held_out = hold_out_last_year(cohort, spec)
            fitted = fit(
                spec,
                cohort,
                profile_settings(arguments.profile, seed=1),
                Path(folder) / spec.name,
                until_years=held_out.until_years,
            )
            scores = score_forecasts(fitted, held_out)
            n = scores.n_patient
            gate = "passed" if fitted.gate.passed else "; ".join(fitted.gate.failures())
            rows.append(score_row(spec.name, scores, gate, fitted.manifest["wall_seconds"]))
            if fitted.gate.passed:
                fits.append(fitted)
        compared = compare_fits(tuple(fits)) if len(fits) > 1 else ()
    error_50, error_90 = (100 * np.sqrt(p * (1 - p) / n) for p in (0.5, 0.9))
    lines = [
        "# Coverage of forecasts one year ahead",
        "",
        (
            "**Synthetic data.** Cohort `registry` (300 patients, six centres), made by an agent-based "
            "clinic that is not the fitted model. Every patient's last year of follow-up is held out "
            f"of the fit; the dose in force at its end is forecast for {n} patients followed for at "
            "least two years. A perfect forecast covers 50 and 90 %, give or take a standard error of "
            f"{error_50:.1f} and {error_90:.1f} points."
        ),
        "",
        (
            "| model | in 50 % interval | in 90 % interval | 90 % width (ratio) | CRPS (log dose) | "
            "Brier, rise > 100 µg | mean P(rise), % | rises, % | gate | fit, s |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
    ]
    if compared:
        lines += [
            "",
            "## Leave-one-patient-out on the same readings",
            "",
            "| model | elpd | difference | SE | unreliable patients |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{r.model}` | {r.elpd:.1f} | {r.difference:.1f} | {r.se_difference:.1f} "
            f"| {r.n_bad} |"
            for r in compared
        ]
        lines += ["", sentence(compared)]
    lines += ["", "Repeat with `python benchmarks/forecast_coverage.py`.", ""]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "forecast-coverage.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
