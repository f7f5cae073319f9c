"""The section of Stan on the page of ``regimes_speed.py``."""

from collections.abc import Mapping
from typing import Any

from peers.regimes_scan.comparison import (
    constant_apart,
    disagreement_between_points,
    efficiency,
    gradient_ratio,
)

TARGET = 10.0
"""How many times Stan's effective draws per second are asked for."""
AGREE = 1e-8
"""Largest relative difference, of changes of log densities and of gradients, that is rounding."""


def stan_section(result: Mapping[str, Any]) -> str:
    """Return what was found beside Stan; empty where a result knows nothing of Stan."""
    if "stan" not in result:
        return ""
    ours, stan = result["ours"], result["stan"]
    if "gradient" not in stan:
        return f"## Beside Stan\n\nStan: {stan['status']}; nothing can be compared with it.\n"
    ratio = gradient_ratio(ours, stan)
    rows = [f"| time of one value with its gradient, plain Stan over this package | {ratio:.1f} |"]
    asked = f"Asked for: at least {TARGET:g} times Stan's effective draws per processor second"
    if "sampling" not in ours:
        said = f"{asked}; not measured, as the package was not sampled in this run."
    else:
        mine, other = efficiency(ours, ours), efficiency(ours, stan)
        times = mine.bulk / other.bulk
        how = "" if other.is_measured else " (derived)"
        rows.append(
            f"| effective draws per second, this package over plain Stan{how} | **{times:.1f}** |"
        )
        said = f"{asked}; {'reached' if times >= TARGET else '**not reached**'}. "
        said += _sampled(stan) if other.is_measured else _why_derived(result)
    value, slope = disagreement_between_points(ours, stan)
    verdict = "Both say the same" if max(value, slope) <= AGREE else "**They do not say the same**"
    table = "\n".join(rows)
    versions = ", ".join(f"{name} {v}" for name, v in stan["compile"]["versions"].items())
    return f"""\
## Beside Stan

The same model as a Stan program ({versions}): its own transforms, priors as vectors, the filter as
functions over the visits of a patient, readings that are not there left out, moments of mixtures as
products of matrices. Both unconstrained scales are the same but for the order, so log densities hold
the same Jacobian.

| | times |
|---|--:|
{table}

{said}

{verdict}: between {len(ours["gradient"]["values"])} points the changes of the log densities differ by at most {value:.1g} of the
largest, the gradients by at most {slope:.1g} of their largest component. The log densities themselves are a
constant {abs(constant_apart(ours, stan)):.1g} apart, which no sampler sees.

Stan's time of a gradient is that of a leapfrog step: what {stan["gradient"]["calls"]:,} steps of longer runs took more
than shorter runs of the same chains, without starting, reading data and passing draws on. Its
seconds are those of the chains alone.
"""


def _sampled(stan: Mapping[str, Any]) -> str:
    found = stan["sampling"]
    return (
        f"Stan was sampled with its defaults: {found['chains']} chains of {found['tune']} warm-up and "
        f"{found['draws']} kept draws, least bulk ESS {found['ess_bulk']:.0f} (`{found['least']}`), "
        f"largest R-hat {found['r_hat']:.3f}, {found['divergences']} divergences, "
        f"{found['gradients']:,} gradients."
    )


def _why_derived(result: Mapping[str, Any]) -> str:
    gradients = result["ours"]["sampling"]["gradients"]
    least = gradients * result["stan"]["gradient"]["shortest_s"]
    return (
        f"**Stan was not sampled to the end**: the {gradients:,} gradients of the package's own "
        f"sampling alone would take it {least:,.0f} seconds (`--sample-limit` "
        f"{result['settings']['sample_limit']:g}, `--limit` {result['settings']['limit']:g}). Its "
        "effective draws are derived from them and its time for one, so it is given the package's "
        "round coordinates; with the diagonal metric it has, it takes more gradients for a draw."
    )
