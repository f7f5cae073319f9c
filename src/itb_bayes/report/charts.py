"""The charts of a patient's page, from its document; bands and axes are laid once per group."""

from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from itb_bayes.figures.dotplot import DotplotChart
from itb_bayes.figures.svg import inline_svg
from itb_bayes.figures.trajectory import Band, TrajectoryChart
from itb_bayes.report.assembly import axis_end
from itb_bayes.report.document import Centiles, PatientDocument
from itb_bayes.report.sentences import chart_title, dots_title
from itb_bayes.report.wording import months_ahead

MOST_EVENTS = 9
"""The latest events of a record are marked; the visits list all."""

_CHART_HOW = (
    "Step line: recorded dose, on an axis whose grid lines are doublings. Grey bands: centiles of "
    "the patients compared with. Numbered lines: events. Fan after the last reading: forecast, 50 "
    "and 90 per cent."
)
_DOTS_HOW = "Filled dots lie above the threshold, open dots below. Each dot stands for 5 in 100."


@dataclass
class ChartRoom:
    """Draws charts for many patients with few figures.

    Use it inside :func:`itb_bayes.figures.style.chart_style`.
    """

    _trajectories: dict[tuple[Centiles | None, float], TrajectoryChart] = field(
        default_factory=dict
    )
    _dotplots: dict[float, DotplotChart] = field(default_factory=dict)

    def trajectory(self, document: PatientDocument) -> Markup:
        """Return the growth chart."""
        centiles = document.group.centiles if document.group else None
        key = (centiles, axis_end(document.as_of_years))
        if key not in self._trajectories:
            self._trajectories[key] = TrajectoryChart(_band(centiles), key[1])
        inputs = document.inputs
        figure = self._trajectories[key].draw(
            np.array(inputs.t_years),
            np.array(inputs.dose_ug),
            _fan(document),
            tuple(event.t_years for event in document.events[-MOST_EVENTS:]),
        )
        # The SVG is written by this package; identifiers and other foreign text are not in it.
        return Markup(inline_svg(figure, "dose", chart_title(document), _CHART_HOW))

    def dotplot(self, document: PatientDocument) -> Markup:
        """Return the dot plot of the last horizon; nothing where there is no forecast."""
        if not document.forecasts:
            return Markup()
        last, risk = document.forecasts[-1], document.risks_ahead[-1]
        if last.horizon_months not in self._dotplots:
            label = f"dose in {months_ahead(last.horizon_months)} (µg/day)"
            self._dotplots[last.horizon_months] = DotplotChart(label)
        figure = self._dotplots[last.horizon_months].draw(
            np.array(last.dots_ug), document.inputs.dose_ug[-1], risk.threshold_ug or 0.0
        )
        return Markup(inline_svg(figure, "dots", dots_title(document), _DOTS_HOW))


def _band(centiles: Centiles | None) -> Band | None:
    if centiles is None:
        return None
    return Band(np.array(centiles.t_years), np.array(centiles.dose_ug))


def _fan(document: PatientDocument) -> Band | None:
    if not document.forecasts:
        return None
    now = document.inputs.dose_ug[-1]
    times, rows = [document.as_of_years], [[now] * 5]
    for forecast in document.forecasts:
        q = forecast.dose_ug
        times.append(document.as_of_years + forecast.horizon_months / 12.0)
        rows.append([q.q05, q.q25, q.median, q.q75, q.q95])
    return Band(np.array(times), np.array(rows).T)
