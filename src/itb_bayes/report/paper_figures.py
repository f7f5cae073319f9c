"""The figures of a paper from a fit: which there are, their source data, and their files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itb_bayes import __version__
from itb_bayes.errors import UsageError
from itb_bayes.figures.paper import (
    QUANTILES,
    WIDTHS_MM,
    Canvas,
    band_plot,
    chances_plot,
    interval_plot,
    ranked_plot,
)
from itb_bayes.figures.saving import NOTICE, figure_files
from itb_bayes.figures.style import chart_style
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.report.explained import NAMES
from itb_bayes.report.explained_groups import ReferenceGroups
from itb_bayes.report.frame import MIN_CELL
from itb_bayes.risk.patient import summarise_patients
from itb_bayes.risk.population import population_table
from itb_bayes.risk.reference import dose_bands
from itb_bayes.risk.regimes_patient import ExplainedPatient, summarise_explained
from itb_bayes.risk.regimes_population import regimes_table
from itb_bayes.storage import write_whole

MARKER = "figures.json"
LAST_YEARS = 9.0
"""Bands are drawn one year further, as on a page of a record of this length."""

BAND_YEARS = np.concatenate([[0.25, 0.5, 0.75], np.arange(1.0, 10.25, 0.5)])


@dataclass(frozen=True)
class PaperFigure:
    """One figure.

    Attributes
    ----------
    name : str
        Of its files.
    kind : str
        Of the fit it is made from: ``drift`` or ``regimes``.
    title : str
    source : callable
        Fit to the table that the figure is drawn from.
    draw : callable
        (table, canvas) to the figure.
    """

    name: str
    kind: str
    title: str
    source: Callable[[Any], pd.DataFrame]
    draw: Callable[[pd.DataFrame, Canvas], Figure]


def drift_intervals(fit: Fit) -> pd.DataFrame:
    """Return the yearly change of the typical patient's dose, by diagnosis (%)."""
    rows = [r for r in population_table(fit) if r.quantity == "drift of the typical patient"]
    return pd.DataFrame([{"group": r.group, **_quantiles(r.interval)} for r in rows])


def requirement_drifts(fit: RegimesFit) -> pd.DataFrame:
    """Return the yearly change of the requirement by diagnosis (%), beside its prior."""
    rows = [r for r in regimes_table(fit) if r.quantity == "drift"]
    return pd.DataFrame(
        [
            {"group": r.group, **_quantiles(r.interval),
             "prior_low": r.prior_low, "prior_high": r.prior_high}
            for r in rows
        ]
    )  # fmt: skip


def dose_centiles(fit: Fit) -> pd.DataFrame:
    """Return centiles of the dose of new patients, by diagnosis."""
    parts = []
    for diagnosis in fit.plan.diagnoses:
        bands = dose_bands(fit, diagnosis, BAND_YEARS)
        parts.append(_bands(diagnosis, bands.t_years, bands.dose_ug))
    return pd.concat(parts, ignore_index=True)


@lru_cache(maxsize=1)
def _summaries(fit: RegimesFit) -> tuple[ExplainedPatient, ...]:
    """Summaries of a fit, made once for all of its figures."""
    return summarise_explained(fit, (12.0,))


def explained_centiles(fit: RegimesFit) -> pd.DataFrame:
    """Return centiles of the dose of patients like those fitted, by diagnosis where not too few.

    Raises
    ------
    UsageError
        If no group is large enough, or the model reads no doses.
    """
    groups = ReferenceGroups(fit, _summaries(fit), LAST_YEARS)
    parts: dict[str, pd.DataFrame] = {}
    for diagnosis in fit.plan.diagnoses:
        centiles = groups.centiles[diagnosis]
        if centiles is not None:
            name = groups.words(diagnosis)
            parts[name] = _bands(name, np.array(centiles.t_years), np.array(centiles.dose_ug))
    if not parts:
        raise UsageError(
            f"the figure dose-centiles needs doses of at least {MIN_CELL} patients; choose other "
            "figures with --only."
        )
    return pd.concat(parts.values(), ignore_index=True)


def patient_drifts(fit: Fit) -> pd.DataFrame:
    """Return every estimated patient's own drift with its 90 % range (%/year), ordered."""
    found = [s.drift_percent for s in summarise_patients(fit) if s.drift_percent is not None]
    table = pd.DataFrame([{"value": i.median, "low": i.q05, "high": i.q95} for i in found])
    return table.sort_values("value", ignore_index=True)


def rise_chances(fit: Fit) -> pd.DataFrame:
    """Return every estimated patient's chance of a rise above 100 µg/day in 12 months, ordered."""
    found = [s.forecasts[0].p_rise for s in summarise_patients(fit) if s.forecasts]
    table = pd.DataFrame(
        [{"value": 100 * p.value, "low": 100 * p.low, "high": 100 * p.high} for p in found]
    )
    return table.sort_values("value", ignore_index=True)


def explanation_chances(fit: RegimesFit) -> pd.DataFrame:
    """Return the chances of all estimated patients by explanation, ordered within each."""
    found = [s.said.present for s in _summaries(fit) if s.leading]
    rows = [
        {"explanation": NAMES[name], "in_100": value}
        for name in EXPLANATIONS
        for value in sorted(100.0 * present[name].value for present in found)
    ]
    return pd.DataFrame(rows, columns=["explanation", "in_100"])


FIGURES = (
    PaperFigure(
        "drift-by-diagnosis", "drift", "Yearly change of the typical dose by diagnosis",
        drift_intervals, lambda t, c: interval_plot(t, c, "change of the dose (% per year)"),
    ),
    PaperFigure(
        "dose-centiles", "drift", "Centiles of the dose of new patients by diagnosis",
        dose_centiles, band_plot,
    ),
    PaperFigure(
        "patient-drifts", "drift", "Drift of every patient's own line, with 90 % ranges",
        patient_drifts, lambda t, c: ranked_plot(t, c, "change of the dose (% per year)"),
    ),
    PaperFigure(
        "rise-chances", "drift",
        "Chance of a rise of more than 100 µg/day in 12 months, every patient",
        rise_chances, lambda t, c: ranked_plot(t, c, "chance in 100"),
    ),
    PaperFigure(
        "requirement-drift", "regimes",
        "Yearly change of the typical requirement by diagnosis, beside its prior",
        requirement_drifts,
        lambda t, c: interval_plot(t, c, "change of the requirement (% per year)"),
    ),
    PaperFigure(
        "dose-centiles", "regimes", "Centiles of the dose of patients like those fitted",
        explained_centiles, band_plot,
    ),
    PaperFigure(
        "explanations", "regimes", "Chances of every explanation, present now, all patients",
        explanation_chances, chances_plot,
    ),
)  # fmt: skip


def figures_of(kind: str, only: tuple[str, ...] = ()) -> tuple[PaperFigure, ...]:
    """Return the figures of a kind of fit; those named in ``only``, or all.

    Raises
    ------
    UsageError
        If a name is none of them.
    """
    found = {figure.name: figure for figure in FIGURES if figure.kind == kind}
    for name in only:
        if name not in found:
            raise UsageError(
                f"no figure {name!r} of {kind} fits; there are {', '.join(found)} "
                "(itb-bayes figures list)."
            )
    return tuple(found[name] for name in (only or tuple(found)))


def make_figures(
    fit: Fit | RegimesFit,
    out: Path,
    only: tuple[str, ...] = (),
    *,
    width: str = "double",
    on_figure: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Write figures with their source data; return the names of the files.

    Parameters
    ----------
    fit : Fit or RegimesFit
    out : path
        Folder: new, empty, or holding earlier figures, which are replaced.
    only : tuple of str
        Names of figures; all where empty.
    width : str
        Of :data:`WIDTHS_MM`.
    on_figure : callable, optional
        Called with the number of figures done, and of all.

    Raises
    ------
    GateError
        If the fit did not pass its gate.
    UsageError
        If a figure or width is unknown, or the folder cannot be used.
    """
    fit.require_gate()
    if width not in WIDTHS_MM:
        raise UsageError(f"no width {width!r}; choose {' or '.join(WIDTHS_MM)}.")
    chosen = figures_of("drift" if isinstance(fit, Fit) else "regimes", only)
    _prepare(out)
    canvas = Canvas(WIDTHS_MM[width], fit.synthetic)
    written: list[str] = []
    for done, figure in enumerate(chosen, start=1):
        table = figure.source(fit)
        files = {"csv": source_csv(table).encode("utf-8")}
        with chart_style():
            drawn = figure.draw(read_source(files["csv"].decode("utf-8")), canvas)
            files |= figure_files(drawn, _title(figure, fit))
        for suffix, content in files.items():
            _write(out / f"{figure.name}.{suffix}", content)
            written.append(f"{figure.name}.{suffix}")
        if on_figure is not None:
            on_figure(done, len(chosen))
    _write(out / MARKER, _provenance(fit, chosen, width, written))
    return written


def source_csv(table: pd.DataFrame) -> str:
    """Return the source data of a figure as CSV, six significant digits."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def read_source(text: str) -> pd.DataFrame:
    """Read source data back: figures are drawn from what lies beside them."""
    return pd.read_csv(StringIO(text), keep_default_na=False)


def _title(figure: PaperFigure, fit: Any) -> str:
    label = "SYNTHETIC DATA. " if fit.synthetic else ""
    return f"{label}{figure.title}. Run {fit.run_id}"


def _quantiles(interval: Any) -> dict[str, float]:
    return {name: getattr(interval, name) for name in QUANTILES}


def _bands(group: str, t_years: Any, dose_ug: Any) -> pd.DataFrame:
    columns = dict(zip(QUANTILES, np.asarray(dose_ug), strict=True))
    return pd.DataFrame({"group": group, "t_years": t_years, **columns})


def _provenance(fit: Any, chosen: tuple[PaperFigure, ...], width: str, written: list[str]) -> bytes:
    content = {
        "itb_bayes_figures": 1,
        "notice": NOTICE,
        "synthetic": fit.synthetic,
        "package_version": __version__,
        "model": f"{fit.spec.name} {fit.spec.version}",
        "model_digest": fit.spec.digest,
        "run": fit.run_id,
        "seed": fit.seed,
        "width_mm": WIDTHS_MM[width],
        "figures": {figure.name: figure.title for figure in chosen},
        "files": written,
    }
    return (json.dumps(content, indent=1) + "\n").encode("utf-8")


def _prepare(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder for the figures with --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise UsageError(f"{out} is not empty and holds no earlier figures; choose another --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out} ({error.strerror}); choose another --out."
        ) from None


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content)
