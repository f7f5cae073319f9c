"""The page that shows agreement with restricted maximum likelihood."""

from collections.abc import Sequence
from importlib.metadata import version

from itb_bayes.inference.settings import SamplerSettings
from peers.agreement import LOCATION_SD, SPREAD_SD, Comparison, Posterior

HEAD = (
    "| parameter | REML (SE) | posterior mean (SD) | difference in posterior SD | in Monte Carlo "
    "errors | wide priors: mean (SD) | difference in posterior SD | in Monte Carlo errors | "
    "agrees |"
)


def render_page(comparisons: Sequence[Comparison], settings: SamplerSettings) -> str:
    """Return the comparison as Markdown."""
    text = f"""\
# Agreement with restricted maximum likelihood

Written by `python benchmarks/reml_agreement.py`. The plain linear mixed model `@drift-lmm` (log
µg/day, years since the first anniversary) on exactly the same readings as `MixedLM` of statsmodels
{version("statsmodels")}; {settings.chains} chains of {settings.draws} draws. Both cohorts are
synthetic. Standard errors of spreads and correlation come from the curvature of the restricted
likelihood, written apart from both programs.

The columns with wide priors judge the agreement: what is left there is Monte Carlo error and, for
spreads and correlation, the distance of a skewed posterior's mean from its mode. The columns
before them show what the shipped priors add. A parameter agrees where the posterior mean with wide
priors is within {LOCATION_SD:g} posterior SD of the estimate (spreads and correlation:
{SPREAD_SD:g})."""
    parts = [text]
    for comparison in comparisons:
        parts += ["", *_section(comparison)]
    return "\n".join(parts) + "\n"


def _section(c: Comparison) -> list[str]:
    verdict = "All parameters agree." if c.agrees else "NOT all parameters agree."
    lines = [
        f"## {c.title}",
        "",
        f"{c.n_patient} patients, {c.n_reading} readings. {verdict}",
        "",
        HEAD,
        "|---" * (HEAD.count("|") - 1) + "|",
    ]
    for name in c.reml.estimate:
        cells = [
            name,
            f"{c.reml.estimate[name]:.4f} ({c.reml.se[name]:.4f})",
            *_cells(c, name, c.shipped),
            *_cells(c, name, c.wide),
            "yes" if c.parameter_agrees(name) else "NO",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    r_hat = max(c.shipped.r_hat, c.wide.r_hat)
    check = (
        "From statsmodels' estimate to the maximum of the restricted likelihood as written here: "
        f"{c.reml.newton_step:.1g} standard errors. Largest R-hat {r_hat:.3f}; divergences "
        f"{c.shipped.divergences} and {c.wide.divergences}."
    )
    lines += ["", check]
    if c.reml.messages:
        lines += [
            "",
            "statsmodels warned: " + "; ".join(m.rstrip(".") for m in c.reml.messages) + ".",
        ]
    return lines


def _cells(c: Comparison, name: str, of: Posterior) -> list[str]:
    return [
        f"{of.mean[name]:.4f} ({of.sd[name]:.4f})",
        f"{c.distance(name, of):+.2f}",
        f"{c.distance_in_error(name, of):+.1f}",
    ]
