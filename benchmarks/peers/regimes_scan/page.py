"""The page of results of ``regimes_speed.py``."""

from collections.abc import Mapping
from typing import Any

from peers.regimes_scan.comparison import disagreement, efficiency, gradient_ratio
from peers.regimes_stan.page import stan_section

TARGET = 20.0
"""How many times the effective draws per second of plain PyMC are asked for."""
KEPT = """\
The processes were measured one after the other and kept (`--keep`), this page written afterwards:
the load is that of its writing, and folders of compiled code may have held something before.
"""
NOT_SAMPLED = """\
## Effective draws

No model was sampled in this run: effective draws per second are not measured. As both of PyMC would
be sampled along the same path, their ratio is at most that of the gradients.
"""
TITLES = {"ours": "this package", "plain": "plain PyMC", "stan": "plain Stan"}


def render_page(result: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    parts = [_introduction(result)]
    plain = result.get("plain", {"status": "left out"})
    if "gradient" in plain:
        parts.append(_verdict(result))
    else:
        parts.append(
            f"The plain model of PyMC was {plain['status']} before its first gradient: nothing can be "
            "compared with it.\n"
        )
    parts.append(stan_section(result))
    if len(measured(result)) > 1:
        parts.append(_gradients(result))
        parts.append(_draws(result) if "sampling" in result["ours"] else NOT_SAMPLED)
    return "\n".join(part for part in parts if part)


def measured(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the titles of the processes that came as far as a gradient."""
    return {k: title for k, title in TITLES.items() if "gradient" in result.get(k, {})}


def _introduction(result: Mapping[str, Any]) -> str:
    machine, settings, size = result["machine"], result["settings"], result["ours"]["import"]
    load = ", ".join(f"{value:.2f}" for value in result["load_before_1_5_15_min"])
    return f"""\
# Speed of the regimes model beside plain PyMC{" and plain Stan" if "stan" in result else ""}

Written by `python benchmarks/regimes_speed.py`; every figure is of one run. SYNTHETIC patients:
{settings["cohort"]}, {size["patients"]} patients, {size["steps"]:,} days of record, {size["longest"]} of the longest
patient; model `{settings["model"]}`.

**Plain PyMC** is the same model as a user without the package's kernel would write it: transitions,
hazards, findings and policy as PyTensor operations over all visits at once, the switching filter as
a `pytensor.scan` over visits with all patients side by side, gradients by automatic differentiation,
compiled by numba. Priors, transforms and parameters are the package's own code, and so is the
sampler: both sample the same posterior along the same path, and differ in the price of a gradient.

Machine: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gb"]} GB, {machine["system"]}, Python {machine["python"]},
shared with other work; load before (1, 5, 15 minutes): {load}. Seconds are of processor time.
{KEPT if result["kept"] else ""}"""


def _verdict(result: Mapping[str, Any]) -> str:
    ours, plain = result["ours"], result["plain"]
    ratio = gradient_ratio(ours, plain)
    rows = [
        f"| time of one value with its gradient, plain PyMC over this package | **{ratio:.1f}** |"
    ]
    least, how = ratio, ""
    if "sampling" in ours:
        mine, other = efficiency(ours, ours), efficiency(ours, plain)
        times = mine.bulk / other.bulk
        least = min(times, ratio)
        derived = "" if other.is_measured else " (derived)"
        rows.append(
            f"| effective draws per second, this package over plain PyMC{derived} | **{times:.1f}** |"
        )
        if not other.is_measured:
            how = (
                " **The plain model was not sampled**: its effective draws per second are derived "
                "from the gradients that the package's own sampling took and the plain model's time "
                "for one."
            )
    word = "reached" if least >= TARGET else "**not reached**"
    table = "\n".join(rows)
    value, slope = disagreement(ours, plain)
    return f"""\
## How many times faster than plain PyMC

| | times |
|---|--:|
{table}

Asked for: at least {TARGET:g} times the effective draws per second; {word}.{how}

Both say the same: at {len(ours["gradient"]["values"])} points the log densities differ by at most {value:.1g} (relative), the
gradients by at most {slope:.1g} of their largest component.
"""


def _gradients(result: Mapping[str, Any]) -> str:
    rows = []
    for which, title in measured(result).items():
        run = result[which]
        found, compiled, steps = run["gradient"], run["compile"], run["import"]["steps"]
        rows.append(
            f"| {title} | {compiled['cpu_s']:.0f} | {1e3 * found['shortest_s']:.3g} | "
            f"{1e3 * found['median_s']:.3g} | {1e6 * found['shortest_s'] / steps:.1f} | "
            f"{found['calls']} | {_memory(found)} |"
        )
    return "\n".join(
        [
            "## Compiling, and one value with its gradient",
            "",
            "| | compiling, s | shortest, ms | median, ms | shortest, µs a day of record | calls | peak memory, MB |",
            "|---|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            "Compiling is building the model, rewriting its graph and compiling it, "
            "and the first gradient. The package keeps what it has compiled: the next fit of the same "
            "model, on whatever patients, compiles nothing. A scan has no description that it could be "
            "found by, and is compiled anew. Peak memory is that of the process, libraries included.",
            "",
        ]
    )


def _memory(found: Mapping[str, Any]) -> str:
    return f"{found['peak_rss_mb']:.0f}" if "peak_rss_mb" in found else "not measured"


def _draws(result: Mapping[str, Any]) -> str:
    ours = result["ours"]
    found = ours["sampling"]
    rows = []
    for which, title in measured(result).items():
        of = efficiency(ours, result[which])
        how = "measured" if of.is_measured else "derived"
        rows.append(f"| {title} | {how} | {of.cpu_s:,.0f} | {of.bulk:.3g} | {of.tail:.3g} |")
    per_draw = found["gradients"] / found["ess_bulk"]
    return "\n".join(
        [
            "## Effective draws",
            "",
            "| | | seconds | least bulk ESS a second | least tail ESS a second |",
            "|---|---|--:|--:|--:|",
            *rows,
            "",
            f"Sampled by this package: {found['chains']} chains of {found['tune']} warm-up and "
            f"{found['draws']} kept draws in round coordinates (the default). Least bulk ESS "
            f"{found['ess_bulk']:.0f} (`{found['least']}`), least tail ESS {found['ess_tail']:.0f}, largest "
            f"R-hat {found['r_hat']:.3f}, {found['divergences']} divergences. {found['gradients']:,} gradients in "
            f"all ({found['gradients_before']:,} of them for mode and curvature): {per_draw:.0f} for each "
            "effective draw. Seconds hold mode, curvature, warm-up and draws, not compiling.",
            "",
            "Round coordinates are the package's, so plain PyMC is given here what a user of it would not "
            "have: with the sampler's own diagonal metric the same posterior takes several times as many "
            "gradients for an effective draw ([the regimes model](../regimes-model.md)).",
            "",
        ]
    )
