"""The checks as a page, with their source data beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from itb_bayes.checks.result import CheckResult, failed_first
from itb_bayes.errors import UsageError
from itb_bayes.figures.check_curves import RankPanel, ecdf_figure, rank_figure, trace_figure
from itb_bayes.figures.check_learning import learning_figure
from itb_bayes.figures.check_predictive import YearBands, dose_band_figure, interval_figure
from itb_bayes.figures.check_reliability import reliability_figure
from itb_bayes.figures.svg import inline_svg
from itb_bayes.storage import is_part, refusals_in_words, write_whole

HEADINGS = {"q05": "5 %", "q25": "25 %", "q50": "50 %", "q75": "75 %", "q95": "95 %"}


@dataclass(frozen=True)
class PageHeader:
    """What stands above and below the checks.

    Attributes
    ----------
    stem : str
        Name of the page and of its JSON file: ``checks`` or ``prior``.
    title : str
    synthetic : bool
    gate_failures : tuple of str or None
        What failed of the convergence gate; None where nothing was sampled.
    facts : tuple of (str, str)
        Goal, data and sampler: label and value.
    model_text : str
        Equations and priors in words, with the source of each.
    reproduction : tuple of (str, str)
        Digests, versions, seed, command: label and value.
    """

    stem: str
    title: str
    synthetic: bool
    gate_failures: tuple[str, ...] | None
    facts: tuple[tuple[str, str], ...]
    model_text: str
    reproduction: tuple[tuple[str, str], ...]


def checks_json(results: Sequence[CheckResult], header: PageHeader) -> dict[str, Any]:
    """Return the checks as plain JSON values, in order of the page's sections."""
    return {
        "title": header.title,
        "synthetic": header.synthetic,
        "gate_passed": None if header.gate_failures is None else not header.gate_failures,
        "facts": dict(header.facts),
        "reproduction": dict(header.reproduction),
        "failed": [result.name for result in results if result.passed is False],
        "checks": [result.as_dict() for result in results],
    }


def write_checks(
    results: Sequence[CheckResult],
    header: PageHeader,
    folder: Path,
    beside: frozenset[str] = frozenset(),
) -> Path:
    """Write page, JSON and the source data of tables and figures; return the page's path.

    ``beside`` names what else may lie in the folder.

    Raises
    ------
    UsageError
        If the folder holds something else, or cannot be written.
    """
    page = folder / f"{header.stem}.html"
    content = checks_json(results, header)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    html = render_checks(results, header)
    check_target(folder, header.stem, beside)
    with refusals_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # First what marks the folder as ours, so that a run that was killed can be repeated.
        write_whole(folder / f"{header.stem}.json", text + "\n")
        write_whole(page, html)
        for result in results:
            _write_csv(result.table, folder / f"{result.name}.csv")
            if result.plot is not result.table:
                _write_csv(result.plot, folder / f"{result.name}-figure.csv")
    return page


def render_checks(results: Sequence[CheckResult], header: PageHeader) -> str:
    """Return the page: one self-contained HTML file without scripts.

    Parameters
    ----------
    results : sequence of CheckResult
        In order of the sections.
    header : PageHeader
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    sections = [
        {
            "result": result,
            "svg": Markup(draw_figure(result)),
            "columns": [_heading(str(c)) for c in result.table.columns],
            "rows": [[_cell(v) for v in row] for row in result.table.itertuples(index=False)],
        }
        for result in results
    ]
    counts = {
        word: sum(result.verdict == word for result in results) for word in ("FAIL", "pass", "info")
    }
    return environment.from_string(PAGE).render(
        header=header, sections=sections, listing=failed_first(results), counts=counts
    )


def draw_figure(result: CheckResult) -> str:
    """Return the figure of a check as inline SVG; an empty string where it has none.

    Raises
    ------
    ValueError
        If the result names a figure that does not exist.
    """
    if not result.figure:
        return ""
    if result.figure not in FIGURES:
        raise ValueError(f"no figure {result.figure!r}")
    draw, description = FIGURES[result.figure]
    return inline_svg(
        draw(result.plot), result.name, f"{result.question} {result.summary}", description
    )


def _intervals(plot: pd.DataFrame) -> Figure:
    usable = plot[np.isfinite(plot["observed"].to_numpy(dtype=float))]
    return interval_figure(
        list(usable["statistic"]),
        usable["observed"].to_numpy(dtype=float),
        usable["q05"].to_numpy(dtype=float),
        usable["median"].to_numpy(dtype=float),
        usable["q95"].to_numpy(dtype=float),
        list(usable["judged"]),
    )


def _bands(plot: pd.DataFrame) -> Figure:
    quantiles = ["q05", "q25", "q50", "q75", "q95"]
    observed = ["observed_q25", "observed_q50", "observed_q75"]
    groups = [
        YearBands(
            str(name),
            rows["year"].to_numpy(dtype=float),
            rows[quantiles].to_numpy(dtype=float).T,
            rows[observed].to_numpy(dtype=float).T if observed[0] in rows else None,
        )
        for name, rows in plot.groupby("diagnosis", sort=False)
    ]
    bounds = None
    if "low" in plot:
        bounds = (float(plot["low"].iloc[0]), float(plot["high"].iloc[0]))
    return dose_band_figure(groups, bounds)


def _ecdf(plot: pd.DataFrame) -> Figure:
    columns = ("z", "difference", "low", "high")
    return ecdf_figure(*(plot[c].to_numpy(dtype=float) for c in columns))


def _ranks(plot: pd.DataFrame) -> Figure:
    panels = []
    for name, rows in plot.groupby("parameter", sort=False):
        chains = [part for _, part in rows.groupby("chain")]
        z, low, high = (chains[0][c].to_numpy(dtype=float) for c in ("z", "low", "high"))
        curves = np.stack([part["difference"].to_numpy(dtype=float) for part in chains])
        panels.append(RankPanel(str(name), z, low, high, curves))
    return rank_figure(panels)


def _trace(plot: pd.DataFrame) -> Figure:
    chains = [part for _, part in plot.groupby("chain")]
    values = np.stack([part["value"].to_numpy(dtype=float) for part in chains])
    label = str(plot["parameter"].iloc[0])
    return trace_figure(label, chains[0]["draw"].to_numpy(dtype=float), values)


def _learning(plot: pd.DataFrame) -> Figure:
    columns = ("prior_rank_q05", "prior_rank_q50", "prior_rank_q95")
    values = (plot[c].to_numpy(dtype=float) for c in columns)
    return learning_figure(list(plot["parameter"]), *values)


def _reliability(plot: pd.DataFrame) -> Figure:
    columns = ("stated", "observed", "band_low", "band_high")
    return reliability_figure(*(plot[c].to_numpy(dtype=float) for c in columns))


INTERVALS_READ = (
    "One row per statistic: a blue line for the 90 % predictive interval, a dot for the observed "
    "value; open dots are not judged; arrow heads lie farther out than the axis."
)
BANDS_READ = (
    "Dose by year on a logarithmic axis, one panel per diagnosis: predictive median and bands of "
    "50 and 90 % (blue), observed medians with quartiles (black)."
)
PRIOR_BANDS_READ = (
    "Dose by year on a logarithmic axis, one panel per diagnosis: prior predictive median and "
    "bands of 50 and 90 % (blue), plausible bounds (dash-dotted)."
)
ECDF_READ = (
    "Empirical distribution function of the PIT minus that of a uniform one (black), with its "
    "simultaneous band (blue; its level is in the criterion); points outside the band are marked."
)
RANKS_READ = (
    "One panel per parameter: distribution function of each chain's ranks minus the uniform one, "
    "with a 95 % simultaneous band over all chains."
)
TRACE_READ = "Draws of the parameter with the highest R-hat, one panel per chain."
LEARNING_READ = (
    "One row per parameter: 90 % interval and median of the posterior, placed by prior "
    "probability; the dashed line is the prior's own 90 % interval."
)
RELIABILITY_READ = (
    "Share of visits with the condition over the probability given, on logarithmic axes (below "
    "0.001 drawn at 0.001); blue: band that holds 95 % of perfectly calibrated curves whole; "
    "squares lie outside it."
)

FIGURES = {
    "intervals": (_intervals, INTERVALS_READ),
    "bands": (_bands, BANDS_READ),
    "prior_bands": (_bands, PRIOR_BANDS_READ),
    "ecdf": (_ecdf, ECDF_READ),
    "ranks": (_ranks, RANKS_READ),
    "trace": (_trace, TRACE_READ),
    "prior_posterior": (_learning, LEARNING_READ),
    "reliability": (_reliability, RELIABILITY_READ),
}
"""Each figure by its key: how it is drawn from source data, and how it reads."""


def check_target(folder: Path, stem: str, beside: frozenset[str] = frozenset()) -> None:
    """Refuse a folder that holds something else than the checks written before.

    ``beside`` names what else may lie there.

    Raises
    ------
    UsageError
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Name a folder with --out.")
    foreign = folder.is_dir() and any(
        path.name not in beside and not is_part(path) for path in folder.iterdir()
    )
    if foreign and not (folder / f"{stem}.json").exists():
        raise UsageError(
            f"{folder} holds something else. Name a new folder, or one written by this command, "
            "with --out."
        )


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    if len(table.columns):
        write_whole(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _heading(column: str) -> str:
    stem, _, tail = column.rpartition("_")
    if tail in HEADINGS:
        return f"{stem.replace('_', ' ')} {HEADINGS[tail]}".strip()
    return column.replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not np.isfinite(value):
            return "–" if np.isnan(value) else str(value)
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ header.title }}</title>
<style>
body{font:16px/1.45 system-ui,"DejaVu Sans",Arial,sans-serif;color:#000;background:#fff;
max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1.05rem}
.banner{border:2px solid #000;padding:.4rem .7rem;font-weight:700}
.fail{border-left:.4rem solid #000;padding-left:.6rem}
.verdict{font-weight:700}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{border-bottom:1px solid #767676;padding:.15rem .6rem .15rem 0;text-align:left;
font-variant-numeric:tabular-nums}
pre{font-size:.8rem;white-space:pre-wrap}
svg{max-width:100%;height:auto;font-family:"DejaVu Sans",Arial,sans-serif}
dt{font-weight:700}dd{margin:0 0 .3rem 1rem;overflow-wrap:anywhere}
@media print{details>*{display:block}}
</style>
</head>
<body>
<main>
<h1>{{ header.title }}</h1>
{% if header.synthetic %}
<p class="banner">Synthetic data: these patients are simulated.</p>
{% endif %}
{% if header.gate_failures %}
<p class="banner">The convergence gate was NOT passed: no number of this fit is to be used.</p>
<ul>{% for failure in header.gate_failures %}<li>{{ failure }}</li>{% endfor %}</ul>
{% elif header.gate_failures is not none %}
<p>Convergence gate: passed.</p>
{% endif %}
<p>Research use only; not a medical device.</p>
<h2>Verdicts</h2>
<p>{{ counts["FAIL"] }} failed, {{ counts["pass"] }} passed, {{ counts["info"] }} without a \
criterion or not computed.</p>
<ul>
{% for result in listing %}
<li{% if result.passed is sameas false %} class="fail"{% endif %}>\
<span class="verdict">{{ result.verdict }}</span> <a href="#s-{{ result.name }}">\
{{ result.question }}</a> {{ result.summary }}</li>
{% endfor %}
</ul>
<h2>Data and computation</h2>
<dl>{% for label, value in header.facts %}<dt>{{ label }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
<h2>Model and priors</h2>
<details><summary>Equations, terms, and each prior with its source</summary>
<pre>{{ header.model_text }}</pre></details>
{% for section in sections %}
<section id="s-{{ section.result.name }}">
<h2>{{ section.result.question }}</h2>
<p><span class="verdict">{{ section.result.verdict }}</span> {{ section.result.summary }}</p>
<p>Criterion: {{ section.result.criterion }}.</p>
{% if section.svg %}<figure>{{ section.svg }}</figure>{% endif %}
{% if section.columns %}
<details{% if not section.svg %} open{% endif %}><summary>Numbers ({{ section.result.name }}.csv)\
</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers of {{ section.result.name }}">
<table><thead><tr>{% for column in section.columns %}<th scope="col">{{ column }}</th>\
{% endfor %}</tr></thead>
<tbody>
{% for row in section.rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table></div></details>
{% endif %}
</section>
{% endfor %}
<h2>Reproduction</h2>
<dl>{% for label, value in header.reproduction %}<dt>{{ label }}</dt><dd>{{ value }}</dd>\
{% endfor %}</dl>
</main>
</body>
</html>
"""
