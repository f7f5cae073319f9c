"""Is @regimes calibrated on clinics whose mechanism is not the fitted one?

usage: python benchmarks/regimes/calibrated_when_wrong.py --work DIR [--scenario NAME ...]
           [--patients 300] [--trial] [--out docs/results]

For every scenario: simulate, train the labelled ceiling, fit without the truth, score other
patients at every visit, judge. Every step is kept in DIR/SCENARIO and not done again, so a run that
was stopped goes on. Writes regimes-calibration.md. About 25 minutes a scenario on two cores.
``--trial`` takes the posterior for a Gaussian about its mode instead of sampling, in three minutes
a scenario, and writes regimes-calibration-trial.md; with ``--cohorts N`` N cohorts of each scenario are fitted, one at a time,
and judged on the same patients, to tell what the cohort that happened to be fitted contributes.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from simulate_scenarios import scenario_names, simulate_role

HERE = Path(__file__).resolve().parent
TARGETS = {"device_fault": "device fault", "tolerance": "tolerance", "progression": "progression"}
TEST_PATIENTS = 1000
TRAIN_PATIENTS = 2500


def run_scenario(name: str, folder: Path, patients: int, sampling: list[str] | None) -> Path:
    """Do whatever of one scenario is not done yet; return the folder of its judgement.

    ``sampling`` holds options of `itb-bayes fit`; None scores about the posterior mode.
    """
    sizes = {"fit": patients, "test": TEST_PATIENTS, "train": TRAIN_PATIENTS}
    for role, size in sizes.items():
        if not (folder / role / "cohort.toml").exists():
            say(f"{name}: simulating {role}")
            simulate_role(name, role, folder / role, size)
    ceiling, scores = folder / "ceiling.csv", folder / "scores.csv"
    if not ceiling.exists():
        say(f"{name}: training the ceiling")
        call(HERE / "ceiling.py", "--train", folder / "train", "--test", folder / "test",
             "--out", ceiling)  # fmt: skip
    if sampling is None:
        scores, judgement = folder / "scores-trial.csv", folder / "judgement-trial"
        draws = folder / "draws-trial.npz"
        if not scores.exists():
            say(f"{name}: finding the mode")
            call(HERE / "posterior_mode.py", "--fit", folder / "fit", "--test", folder / "test",
                 "--draws", draws, "--out", scores)  # fmt: skip
    else:
        judgement, draws = folder / "judgement", folder / "draws.npz"
        fit_and_score(name, folder, scores, sampling)
        if not draws.exists():
            call(HERE / "visit_draws.py", "--fit", folder / "model", "--test", folder / "test",
                 "--out", draws)  # fmt: skip
    if not (judgement / "judgement.json").exists():
        say(f"{name}: judging")
        call(HERE / "judge.py", "--scores", scores, "--test", folder / "test", "--ceiling", ceiling,
             "--draws", draws, "--out", judgement)  # fmt: skip
    return judgement


def run_again(name: str, folder: Path, patients: int, again: int) -> Path:
    """Fit another cohort of a scenario at the mode; return the folder of its judgement."""
    cohort, scores = folder / f"fit-{again}", folder / f"scores-trial-{again}.csv"
    judgement = folder / f"judgement-trial-{again}"
    if not (cohort / "cohort.toml").exists():
        simulate_role(name, "fit", cohort, patients, again)
    if not scores.exists():
        say(f"{name}: finding the mode of cohort {again + 1}")
        call(HERE / "posterior_mode.py", "--fit", cohort, "--test", folder / "test",
             "--out", scores)  # fmt: skip
    if not (judgement / "judgement.json").exists():
        call(HERE / "judge.py", "--scores", scores, "--test", folder / "test",
             "--ceiling", folder / "ceiling.csv", "--out", judgement)  # fmt: skip
    return judgement


def fit_and_score(name: str, folder: Path, scores: Path, sampling: list[str]) -> None:
    """Fit one cohort and score the other by the command line, where that is not done yet."""
    if not (folder / "model" / "manifest.json").exists():
        say(f"{name}: fitting")
        command = ("fit", "@regimes", folder / "fit", "--out", folder / "model", *sampling)
        subprocess.run(["itb-bayes", *map(str, command)], check=False)
    if not scores.exists():
        say(f"{name}: scoring")
        command = ("score", folder / "model", folder / "test", "--every-visit", "--format", "csv",
                   "--allow-unconverged", "--quiet")  # fmt: skip
        done = subprocess.run(["itb-bayes", *map(str, command)], check=True, stdout=subprocess.PIPE)
        scores.write_bytes(done.stdout)


def call(script: Path, *arguments: Any) -> None:
    """Run a script of this folder."""
    subprocess.run([sys.executable, str(script), *map(str, arguments)], check=True)


def say(text: str) -> None:
    """Say what is being done, on stderr."""
    sys.stderr.write(f"{text}\n")


Found = dict[str, tuple[dict[str, Any], dict[str, Any] | None]]
"""Scenario to its judgement and what is said of its fit (None for a trial)."""


def summary(found: Found) -> str:
    """Return the page from judgement and fit manifest of every scenario."""
    flag = "" if any(fit for _, fit in found.values()) else " --trial"
    lines = [
        "# Calibrated when wrong: the regimes model on clinics it was not made for",
        "",
        f"Written by `python benchmarks/regimes/calibrated_when_wrong.py{flag}`. Synthetic data: cohorts of",
        "the clinic simulator, whose mechanism is not the fitted model. For each scenario the model",
        "is fitted to one cohort without the truth (only confirmed events are known), and 1,000 other",
        "patients of the same scenario are scored at every visit from what was known then. The",
        "*ceiling* is gradient boosting trained on 2,500 patients of the scenario *with* the truth.",
        "IPA is 1 - Brier / Brier of the base rate. Intervals: 95 %, patients resampled. *Stated /",
        "observed* below 1 says that probabilities are too low. Alarms: the threshold gives 5 false",
        "alarms per 100 patient-years, for the model and for every comparator. Days on which a device",
        "fault is confirmed are not judged: then it is known. A band holds 95 % of the whole curves of",
        "perfect probabilities. The *narrow* one allows for chance among the patients who are judged",
        "alone; the ceiling's own curve shows how near to it eight times as many patients, with their",
        "labels, come. The *wide* one allows for what the fit does not know of the population too: all",
        "probabilities that too low a rate of faults among the fitted makes too low are so together",
        "(outcomes of a whole curve are drawn from the probabilities under one draw of the parameters).",
    ]
    fits = {name: fit for name, (_, fit) in found.items() if fit is not None}
    if fits:
        lines += [
            "",
            "| scenario | patients fitted | chains x draws | gate | divergences | largest R-hat |",
            "|---|--:|---|---|--:|--:|",
        ]
    else:
        lines += [
            "",
            "**A trial**: the posterior as a Gaussian about its mode, without sampling or gate.",
        ]
    for name, fit in fits.items():
        lines.append(
            f"| {name} | {fit['patients']} | {fit['chains']} x {fit['draws']} | "
            f"{'passed' if fit['passed'] else 'not passed'} | {fit['divergences']:.0f} | "
            f"{fit['r_hat']:.3f} |"
        )
    if not all(fit["passed"] for fit in fits.values()):
        lines += ["", "Figures of a fit that did not pass its gate are a trial, not a result."]
    missing = [name for name in scenario_names() if name not in found]
    if missing:
        lines += ["", f"Not run with this version: {', '.join(missing)}."]
        if fits:
            lines[-1] += " The [trial](regimes-calibration-trial.md) holds all of them."
    for key, title in TARGETS.items():
        lines += ["", f"## {title.capitalize()}", "", *_target(found, key)]
    return "\n".join(lines) + "\n"


def _target(found: Found, key: str) -> list[str]:
    lines = [
        "| scenario | base rate | IPA | of the ceiling's | AUC | ceiling's AUC | stated / observed "
        "| curve inside the narrow band | inside the wide band | ceiling: stated / observed "
        "| its curve inside the narrow band |",
        "|---|--:|---|--:|--:|--:|--:|---|---|--:|---|",
    ]
    for name, (judged, _) in found.items():
        target = judged["targets"][key]
        model, ceiling = target["accuracy"]["model"], target["accuracy"]["ceiling"]
        share = target["verdict"]["share_of_ceiling_ipa"]
        lines.append(
            f"| {name} | {100 * model['base_rate']:.1f} % | {_range(model['ipa'])} | "
            f"{100 * share:.0f} % of {ceiling['ipa']['value']:.2f} | {model['auc']['value']:.2f} | "
            f"{ceiling['auc']['value']:.2f} | {_calibration(model)} | "
            f"{_inside(model['with_parameters_unknown'])} | {_calibration(ceiling)} |"
        )
    lines += [
        "",
        "| scenario | sensitivity | of the ceiling | best comparator | its sensitivity | "
        "PPV at first alarm | delay, months |",
        "|---|--:|--:|---|--:|--:|--:|",
    ]
    for name, (judged, _) in found.items():
        alarms = judged["targets"][key]["alarms"][0]["scores"]
        others = {k: v for k, v in alarms.items() if k not in ("model", "ceiling")}
        best = max(others, key=lambda k: others[k]["sensitivity"]["value"])
        model = alarms["model"]
        lines.append(
            f"| {name} | {_range(model['sensitivity'])} | "
            f"{alarms['ceiling']['sensitivity']['value']:.2f} | {best} | "
            f"{others[best]['sensitivity']['value']:.2f} | {_range(model['ppv'])} | "
            f"{model['delay_months']['value']:.1f} |"
        )
    return lines


def other_cohorts(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return what is said of further cohorts fitted to each scenario, for every target."""
    lines = [
        "",
        "## Which cohort was fitted",
        "",
        "The same 1,000 patients of each scenario, judged by fits to several cohorts of it that share "
        "no patient: stated / observed, bins inside the band and IPA of each; the first is that of "
        "the tables above.",
    ]
    for key, title in TARGETS.items():
        lines += ["", f"**{title.capitalize()}**", ""]
        n = max(len(judged) for judged in found.values())
        lines.append(
            "| scenario | " + " | ".join(f"cohort {k + 1}" for k in range(n)) + " | mean |"
        )
        lines.append("|---|" + "---|" * n + "--:|")
        for name, judged in found.items():
            models = [item["targets"][key]["accuracy"]["model"] for item in judged]
            stated = [model["expected_over_observed"]["value"] for model in models]
            cells = [
                f"{said:.2f}; {_bins(model['curve'])}; {model['ipa']['value']:.2f}"
                for said, model in zip(stated, models, strict=True)
            ]
            lines.append(f"| {name} | {' | '.join(cells)} | {sum(stated) / len(stated):.2f} |")
    return lines


def _calibration(accuracy: dict[str, Any]) -> str:
    return f"{accuracy['expected_over_observed']['value']:.2f} | {_inside(accuracy)}"


def _inside(judged: dict[str, Any]) -> str:
    whole = "yes" if judged["curve_inside"] else "no"
    return f"{whole}; {_bins(judged['curve'])}"


def _bins(curve: list[dict[str, Any]]) -> str:
    inside = sum(item["inside"] for item in curve)
    return f"{inside} of {len(curve)} bins"


def _range(value: dict[str, float]) -> str:
    return f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def describe_fit(folder: Path) -> dict[str, Any]:
    """Return what the page says of a fit."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    criteria = json.loads((folder / "diagnostics.json").read_text(encoding="utf-8"))["criteria"]
    worst = {c["name"]: c["worst"] for c in criteria}
    settings = manifest["settings"]
    return {
        "chains": settings["chains"],
        "draws": settings["draws"],
        "passed": manifest["gate_passed"],
        "divergences": worst["divergences"],
        "r_hat": worst["R-hat of parameters"],
    }


def main() -> int:
    """Run what is asked for and write the page of all scenarios that are judged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--scenario", nargs="+", default=["all"], choices=("all", *scenario_names())
    )
    parser.add_argument("--patients", type=int, default=300, help="fitted in each scenario")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=500)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--trial", action="store_true", help="posterior mode, no sampling")
    parser.add_argument("--cohorts", type=int, default=1, help="fitted in each scenario of a trial")
    options = parser.parse_args()
    sampling = [f"--{x}={getattr(options, x)}" for x in ("draws", "tune", "chains")]
    names = scenario_names() if "all" in options.scenario else options.scenario
    found: Found = {}
    others: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        folder = options.work / name
        done = run_scenario(name, folder, options.patients, None if options.trial else sampling)
        judged = json.loads((done / "judgement.json").read_text(encoding="utf-8"))
        fit = None
        if not options.trial:
            fit = {"patients": options.patients, **describe_fit(folder / "model")}
        found[name] = (judged, fit)
        again = range(1, options.cohorts) if options.trial else ()
        more = [run_again(name, folder, options.patients, k) / "judgement.json" for k in again]
        others[name] = [judged, *(json.loads(path.read_text(encoding="utf-8")) for path in more)]
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / f"regimes-calibration{'-trial' if options.trial else ''}.md"
    text = summary(found)
    if options.cohorts > 1 and options.trial:
        text += "\n".join(other_cohorts(others)) + "\n"
    page.write_text(text, encoding="utf-8", newline="\n")
    say(f"wrote {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
