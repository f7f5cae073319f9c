"""A dose history as one tiny step line."""

import numpy as np
from numpy.typing import NDArray


def sparkline_path(
    t_years: NDArray[np.float64],
    dose_ug: NDArray[np.float64],
    width: float,
    height: float,
    digits: int = 1,
) -> str:
    """Return the ``d`` of an SVG path that steps through a dose history.

    Parameters
    ----------
    t_years, dose_ug : ndarray, shape (n_reading,)
        Recorded doses (µg/day); each holds until the next. The dose axis is logarithmic and spans
        at least a change of a quarter.
    width, height : float
        Size of the drawing; a margin of one unit is kept.
    digits : int
        Decimals of coordinates.
    """
    log_dose = np.log(dose_ug)
    span_t = max(float(t_years[-1] - t_years[0]), 1e-9)
    span_y = max(float(np.ptp(log_dose)), float(np.log(1.25)))
    middle = (float(log_dose.max()) + float(log_dose.min())) / 2.0
    x = 1.0 + (width - 2.0) * (t_years - t_years[0]) / span_t
    y = height / 2.0 - (height - 2.0) * (log_dose - middle) / span_y
    x, y = np.round(x, digits) + 0.0, np.round(y, digits) + 0.0
    steps = [f"M{x[0]:g} {y[0]:g}"]
    for k in range(1, x.size):
        if y[k] != y[k - 1]:
            steps.append(f"H{x[k]:g}V{y[k]:g}")
    if x.size > 1 and y[-1] == y[-2]:
        steps.append(f"H{x[-1]:g}")
    return "".join(steps)
