"""The page of results: what was measured, in tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from peers.catalogue import ENTRIES, entry
from peers.outcome import Outcome
from peers.problem import DIAGNOSES, PARAMETERS

AGREE_SD = 0.15
"""Means further apart than this many posterior SD, and four Monte Carlo errors, differ."""

HEAD = (
    "| tool | set-up CPU s | sampling CPU s | sampling s on the clock | bulk ESS | tail ESS | "
    "ESS per CPU s of sampling | ESS per CPU s, whole process | divergences | R-hat | memory MB |"
)


def render_page(
    result: Mapping[str, Any], first: Sequence[Outcome], compared: Sequence[Outcome]
) -> str:
    """Return the results as Markdown."""
    sizes = sorted({outcome.n_patient for outcome in compared})
    parts = [*_introduction(result), *_verdict(compared, sizes)]
    for n in sizes:
        here = [outcome for outcome in compared if outcome.n_patient == n]
        parts += ["", f"## {n} patients", "", *_speed_table(here), *_handing_over(here)]
        parts += ["", *_agreement(here)]
    parts += ["", *_first_use(first), "", *_versions(compared), ""]
    return "\n".join(parts)


def _introduction(result: Mapping[str, Any]) -> list[str]:
    machine, settings = result["machine"], result["settings"]
    load = ", ".join(f"{value:.2f}" for value in result["load_before_1_5_15_min"])
    missing = result["not_installed"]
    text = f"""\
# Speed of the drift model beside other tools

Written by `python benchmarks/drift_speed.py`; every figure is of one run. Synthetic data: a linear
mixed model of log dose (level and drift by diagnosis, correlated levels and drifts of patients,
independent residuals), ten yearly readings per patient. Every tool gets the same readings and the
priors of `@drift-lmm`, runs in a process of its own, and makes {settings["chains"]} chains of
{settings["tune"]} warm-up and {settings["draws"]} kept draws with its own default settings;
`@drift-lmm` and `@drift` need half that warm-up, and that is their default.

Machine: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gb"]} GB,
{machine["system"]}, Python {machine["python"]}. Load before the run (1, 5, 15 minutes): {load}.
Duration: {result["minutes"]:.1f} minutes. A process was stopped after {settings["limit_s"]:g} s.

CPU s is processor time of the process and its children. Set-up is reading, building and compiling
with caches filled by an earlier run (JAX keeps none; what it compiles inside the sampling call
counts as set-up, except on the clock). ESS is the smallest effective sample size of the population
parameters. Memory is the largest of the process with its children, shared pages counted once.
bambi's model has no correlation of level and drift.
"""
    left_out = [f"Not installed, left out: {', '.join(missing)}.", ""] if missing else []
    return [text, *left_out]


def _verdict(compared: Sequence[Outcome], sizes: Sequence[int]) -> list[str]:
    """Return how many times faster this package is than each tool."""
    lines = [
        "## How many times the effective draws of the other tools",
        "",
        "ESS per CPU second of `@drift-lmm` over that of the tool: sampling (whole process).",
        "",
        "| tool | " + " | ".join(f"{n} patients" for n in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    by_key = {(outcome.tool, outcome.n_patient): outcome for outcome in compared}
    for tool in ENTRIES:
        if tool.role == "ours" or not tool.same_model:
            continue
        cells = [_times(by_key.get(("itb-lmm", n)), by_key.get((tool.key, n))) for n in sizes]
        lines.append(f"| {tool.title} | " + " | ".join(cells) + " |")
    return lines


def _times(ours: Outcome | None, other: Outcome | None) -> str:
    if ours is None or not ours.is_done:
        return "-"
    if other is None:
        return "not run"
    if not other.is_done:
        return other.status
    sampling = ours.ess_per_cpu_s / other.ess_per_cpu_s
    whole = ours.ess_per_total_cpu_s / other.ess_per_total_cpu_s
    return f"{sampling:.1f} ({whole:.2f})" + ("" if other.r_hat < 1.01 else ", not converged")


def _speed_table(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    for o in outcomes:
        title = entry(o.tool).title
        if not o.is_done:
            setup = "-" if o.setup_cpu_s is None else f"{o.setup_cpu_s:.1f}"
            memory = "-" if o.memory_mb is None else f"{o.memory_mb:.0f}"
            word = f"{o.status} after {o.wall_s:.0f} s"
            lines.append(f"| {title} | {setup} | {word} |" + " - |" * 7 + f" {memory} |")
            continue
        lines.append(
            f"| {title} | {o.setup_cpu_s:.1f} | {o.sampling_cpu_s:.2f} | {o.sampling_wall_s:.1f} "
            f"| {o.ess_bulk:.0f} | {o.ess_tail:.0f} | {o.ess_per_cpu_s:.0f} "
            f"| {o.ess_per_total_cpu_s:.1f} | {o.divergences} | {o.r_hat:.3f} | {o.memory_mb:.0f} |"
        )
    return lines


def _handing_over(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what tools spent of their sampling on draws that came as text."""
    lines = []
    for o in outcomes:
        if not o.is_done or not o.handing_over_cpu_s or o.sampling_cpu_s is None:
            continue
        rest = o.ess_bulk / (o.sampling_cpu_s - o.handing_over_cpu_s)
        lines += [
            "",
            f"{entry(o.tool).title}: {o.handing_over_cpu_s:.2f} of the {o.sampling_cpu_s:.2f} CPU s "
            f"of sampling went into receiving and reading draws that its chains write as text; "
            f"without it, ESS per CPU s is {rest:.0f}.",
        ]
    return lines


def _agreement(outcomes: Sequence[Outcome]) -> list[str]:
    """Return posterior means beside each other and whether they agree."""
    done = [o for o in outcomes if o.is_done]
    if not done:
        return []
    head = ["posterior mean (Monte Carlo error)", *PARAMETERS, "agrees"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    reference = next((o for o in done if o.tool == "itb-lmm"), None)
    for o in done:
        cells = [
            f"{o.parameters[p]['mean']:.4f} ({o.parameters[p]['mcse']:.4f})"
            if p in o.parameters
            else "-"
            for p in PARAMETERS
        ]
        lines.append(
            f"| {entry(o.tool).title} | " + " | ".join(cells) + f" | {agrees(o, reference)} |"
        )
    scale = (
        f"Scale: log µg/day, years; diagnoses {', '.join(DIAGNOSES)}. A tool agrees where no mean "
        f"is both {AGREE_SD:g} posterior SD and four Monte Carlo errors away from `@drift-lmm`."
    )
    lines += ["", scale]
    return lines


def agrees(outcome: Outcome, reference: Outcome | None) -> str:
    """Return "yes", the parameter that is furthest off, or why it is not compared."""
    if reference is None or outcome is reference:
        return "reference"
    if not entry(outcome.tool).same_model:
        return "another model"
    off = {}
    for name, values in outcome.parameters.items():
        other = reference.parameters[name]
        distance = abs(values["mean"] - other["mean"])
        error = (values["mcse"] ** 2 + other["mcse"] ** 2) ** 0.5
        if distance > AGREE_SD * other["sd"] and distance > 4.0 * error:
            off[name] = distance / other["sd"]
    if not off:
        return "yes"
    worst = max(off, key=lambda name: off[name])
    return f"no: {worst} by {off[worst]:.2f} SD"


def _first_use(first: Sequence[Outcome]) -> list[str]:
    lines = [
        "## First use",
        "",
        "Processor time with empty caches on the smallest cohort, before the first draw.",
        "",
        "| tool | imports CPU s | set-up CPU s |",
        "|---|---|---|",
    ]
    for o in first:
        cells = [
            "-" if value is None else f"{value:.1f}" for value in (o.import_cpu_s, o.setup_cpu_s)
        ]
        lines.append(f"| {entry(o.tool).title} | " + " | ".join(cells) + " |")
    return lines


def _versions(compared: Sequence[Outcome]) -> list[str]:
    versions: dict[str, str] = {}
    for outcome in compared:
        versions.update(outcome.versions)
    text = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return ["## Versions", "", text + "."]
