"""Simulate the cohorts of a scenario: one to fit on, one to judge on, one for the ceiling.

    python benchmarks/regimes/simulate_scenarios.py --scenario as_designed --role test --out DIR

``--scenario all`` makes every scenario, each in a folder of its name below ``--out``; the cohort
lies in ``DIR[/SCENARIO]/ROLE``. The roles differ in seed, so they share no patient, no rater and no
centre effect.
"""

import argparse
import sys
from pathlib import Path

from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
from itb_bayes.simulate.folder import check_target

SCENARIOS = Path(__file__).resolve().parent / "scenarios"
ROLES = {"fit": (1, 300), "test": (2, 300), "train": (3, 2500)}


def scenario_names() -> tuple[str, ...]:
    """Return the names of the scenarios, sorted."""
    return tuple(sorted(path.stem for path in SCENARIOS.glob("*.toml")))


def simulate_role(
    scenario: str, role: str, out: Path, patients: int | None = None, again: int = 0
) -> str:
    """Simulate one cohort of a scenario into ``out``; return a line about it.

    The seed is the scenario's own plus 1 (fit), 2 (test) or 3 (train), and ten more for each time
    ``again`` that the same role is played.
    """
    step, usual = ROLES[role]
    source = SCENARIOS / f"{scenario}.toml"
    seed = load_settings(source).cohort.seed.value + step + 10 * again
    settings = load_settings(source, patients=patients or usual, seed=seed)
    check_target(out, force=False)
    cohort = simulate_cohort(settings)
    write_cohort(cohort, out, force=False)
    regimes = cohort.truth["regimes"]
    counted = ", ".join(
        f"{sum(row['kind'] == kind for row in regimes)} {kind}"
        for kind in ("catheter", "pump", "tolerance", "progression", "trigger")
    )
    return f"{scenario} {role}: {settings.cohort.patients.value} patients, seed {seed}; {counted}"


def main() -> int:
    """Simulate what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", required=True, choices=("all", *scenario_names()))
    parser.add_argument("--role", required=True, choices=tuple(ROLES))
    parser.add_argument("--patients", type=int, help="default: 300 fit, 300 test, 2500 train")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    every = arguments.scenario == "all"
    for name in scenario_names() if every else (arguments.scenario,):
        folder = arguments.out / name / arguments.role if every else arguments.out / arguments.role
        print(simulate_role(name, arguments.role, folder, arguments.patients), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
