"""Figures of the reproduced papers: in their style, and as a posterior."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from itb_bayes.figures.style import (
    BAND_INNER,
    BAND_OUTER,
    BLUE,
    FAN_INNER,
    FAN_OUTER,
    GREY,
    INK,
    VERMILLION,
    chart_style,
    name_axes,
    plain_text,
    put_text,
)

Array = NDArray[np.float64]

SYNTHETIC = "SYNTHETIC DATA"


@dataclass(frozen=True, eq=False)
class GroupCourse:
    """Dose relative to year 1 of one diagnosis.

    Attributes
    ----------
    name : str
    years, mean, standard_error : ndarray, shape (n_year,)
        Of the patients, in % of year 1.
    published_years, published : ndarray, shape (n_published,)
    line_years : ndarray, shape (n_point,)
    bands : ndarray, shape (5, n_point)
        Posterior quantiles 5, 25, 50, 75 and 95 % of the mean of patients' lines.
    """

    name: str
    years: Array
    mean: Array
    standard_error: Array
    published_years: Array
    published: Array
    line_years: Array
    bands: Array


def ratio_figure(courses: list[GroupCourse]) -> Figure:
    """Draw means with standard errors, published means, and the posterior, a panel per group."""
    with chart_style():
        figure = Figure(figsize=(6.4, 2.8), layout="constrained")
        panels = figure.subplots(1, len(courses), sharey=True, squeeze=False)[0]
        for axes, course, fills, colour in zip(
            panels, courses, ((FAN_OUTER, FAN_INNER), (BAND_OUTER, BAND_INNER)),
            (VERMILLION, BLUE), strict=False,
        ):  # fmt: skip
            low, inner_low, middle, inner_high, high = course.bands
            axes.fill_between(course.line_years, low, high, color=fills[0], linewidth=0)
            axes.fill_between(course.line_years, inner_low, inner_high, color=fills[1], linewidth=0)
            axes.plot(course.line_years, middle, color=colour, linewidth=1.4, label="posterior")
            axes.errorbar(
                course.years, course.mean, yerr=course.standard_error, fmt="o", color=INK,
                markersize=3.0, linewidth=0.8, label="synthetic cohort, mean ± SE",
            )  # fmt: skip
            axes.plot(
                course.published_years, course.published, "D", markerfacecolor="white",
                markeredgecolor=INK, markersize=6.0, label="published mean",
            )  # fmt: skip
            axes.axhline(100.0, color=GREY, linewidth=0.6, linestyle=":")
            axes.set_xlim(0.5, 10.5)
            axes.set_title(plain_text(f"{course.name} · {SYNTHETIC}"), parse_math=False, size=7.5)
            name_axes(axes, x="years since implant")
        name_axes(panels[0], y="dose, % of year 1")
        panels[0].legend(frameon=False, loc="upper left", fontsize=6.5)
    return figure


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot: low, middle and high of what is reported and of the posterior."""

    label: str
    reported: tuple[float, float, float] | None
    posterior: tuple[float, float, float] | None


def forest_figure(rows: list[ForestRow], quantity: str, *, logarithmic: bool = False) -> Figure:
    """Draw reported values (grey) above posteriors (blue), one line per row, first on top."""
    with chart_style():
        figure = Figure(figsize=(6.4, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for k, row in enumerate(reversed(rows)):
            for ends, offset, colour, marker in (
                (row.reported, 0.14, GREY, "s"),
                (row.posterior, -0.14, BLUE, "o"),
            ):
                if ends is None:
                    continue
                y = k + (offset if row.reported is not None else 0.0)
                axes.plot([ends[0], ends[2]], [y, y], color=colour, linewidth=1.2)
                axes.plot([ends[1]], [y], marker, color=colour, markersize=4.0)
        axes.set_yticks(range(len(rows)))
        axes.set_yticklabels([plain_text(row.label) for row in reversed(rows)], parse_math=False)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        if logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        else:
            axes.axvline(0.0, color=INK, linewidth=0.6, linestyle=":")
        name_axes(axes, x=f"{quantity} · grey: as published, blue: posterior; 90 % intervals")
    return figure


@dataclass(frozen=True, eq=False)
class PhaseScores:
    """Ashworth scores of one phase.

    Attributes
    ----------
    name : str
    scores : ndarray, shape (n_patient,)
        Means of patients; NaN where not read.
    published : tuple of float
        Mean, lowest and highest.
    posterior : tuple of float
        The 5, 25, 50, 75 and 95 % quantiles of the population's mean.
    """

    name: str
    scores: Array
    published: tuple[float, float, float]
    posterior: tuple[float, float, float, float, float]


def ashworth_figure(phases: list[PhaseScores]) -> Figure:
    """Draw patients' courses as the paper does, and beside them published mean and posterior."""
    with chart_style():
        figure = Figure(figsize=(6.4, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        at = np.arange(len(phases), dtype=float)
        courses = np.stack([phase.scores for phase in phases], axis=1)
        for row in courses:
            seen = np.isfinite(row)
            left.plot(at[seen], row[seen], color=GREY, linewidth=0.5, alpha=0.6)
        left.plot(at, np.nanmean(courses, axis=0), "o-", color=INK, linewidth=1.6, markersize=5)
        left.set_title(plain_text(f"in the style of figure 1 · {SYNTHETIC}"), parse_math=False,
                       size=7.5)  # fmt: skip
        for x, phase in zip(at, phases, strict=True):
            low, inner_low, middle, inner_high, high = phase.posterior
            right.plot([x + 0.12] * 2, [low, high], color=BLUE, linewidth=1.0)
            right.plot([x + 0.12] * 2, [inner_low, inner_high], color=BLUE, linewidth=3.0)
            right.plot([x + 0.12], [middle], "o", color=BLUE, markersize=4,
                       label="posterior of the mean" if x == 0 else None)  # fmt: skip
            mean, lowest, highest = phase.published
            right.plot([x - 0.12] * 2, [lowest, highest], color=INK, linewidth=0.7, linestyle=":")
            right.plot([x - 0.12], [mean], "D", markerfacecolor="white", markeredgecolor=INK,
                       label="published mean and range" if x == 0 else None)  # fmt: skip
        right.legend(frameon=False, fontsize=6.5)
        right.set_title("as a posterior", size=7.5)
        for axes in (left, right):
            axes.set_xticks(at)
            axes.set_xticklabels([plain_text(phase.name) for phase in phases])
            axes.set_xlim(-0.4, len(phases) - 0.6)
        name_axes(left, y="mean Ashworth score (1 to 5)")
    return figure


@dataclass(frozen=True, eq=False)
class DoseCourses:
    """Doses of the stable group, and what the model predicts for such a group.

    Attributes
    ----------
    t_years, daily_dose_ug : list of ndarray
        One course per patient.
    grid_years : ndarray, shape (n_point,)
    sample_mean : ndarray, shape (n_point,)
        Mean of the patients in treatment.
    bands : ndarray, shape (5, n_point)
        Posterior quantiles of the mean dose of such a group.
    published : tuple of float
        Mean, lowest and highest.
    """

    t_years: list[Array]
    daily_dose_ug: list[Array]
    grid_years: Array
    sample_mean: Array
    bands: Array
    published: tuple[float, float, float]


def dose_figure(courses: DoseCourses) -> Figure:
    """Draw the stable group's doses as the paper does, and beside them the posterior."""
    with chart_style():
        figure = Figure(figsize=(6.4, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for t, dose in zip(courses.t_years, courses.daily_dose_ug, strict=True):
            left.step(t, dose, where="post", color=GREY, linewidth=0.5, alpha=0.7)
        left.plot(courses.grid_years, courses.sample_mean, color=INK, linewidth=1.6)
        left.set_title(plain_text(f"in the style of figure 2 · {SYNTHETIC}"), parse_math=False,
                       size=7.5)  # fmt: skip
        low, inner_low, middle, inner_high, high = courses.bands
        right.fill_between(courses.grid_years, low, high, color=BAND_OUTER, linewidth=0)
        right.fill_between(courses.grid_years, inner_low, inner_high, color=BAND_INNER, linewidth=0)
        right.plot(courses.grid_years, middle, color=BLUE, linewidth=1.4)
        mean, lowest, highest = courses.published
        end = float(courses.grid_years[-1]) + 0.5
        right.plot([end] * 2, [lowest, highest], color=INK, linewidth=0.7, linestyle=":")
        right.plot([end], [mean], "D", markerfacecolor="white", markeredgecolor=INK)
        put_text(right, end - 0.3, highest, "published mean and range", size=6.5, ha="right")
        right.set_title("posterior of the group's mean", size=7.5)
        left.set_ylim(bottom=0.0)
        name_axes(left, x="years since implant", y="dose (µg/day)")
        name_axes(right, x="years since implant")
    return figure
