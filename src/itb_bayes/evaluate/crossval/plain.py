"""Two forecasts that a dose model has to beat: the dose as it is, and the patient's own line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from itb_bayes.evaluate.crossval.folds import FIRST_ORIGIN_YEARS, HORIZON_YEARS
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

LEAST_FOR_LINE = 4
_SAME = 1e-6


@dataclass(frozen=True)
class Normal:
    """A Gaussian forecast of a log dose."""

    mean: float
    sd: float

    def crps(self, observed: float) -> float:
        """Return the continuous ranked probability score (Gneiting & Raftery 2007)."""
        z = (observed - self.mean) / self.sd
        score = z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi)
        return float(self.sd * score)

    def quantile(self, probability: float) -> float:
        """Return a quantile."""
        return float(self.mean + self.sd * norm.ppf(probability))

    def below(self, value: float) -> float:
        """Return the probability of less."""
        return float(norm.cdf((value - self.mean) / self.sd))


@dataclass(frozen=True)
class PlainForecaster:
    """What plain forecasts need to know from the fitted readings.

    Attributes
    ----------
    change_mean, change_sd : float
        Of log doses over one year, after the first one.
    line_sd : float
        Of readings around their patients' own lines, as if independent.
    """

    change_mean: float
    change_sd: float
    line_sd: float

    @classmethod
    def of(cls, plan: DriftPlan) -> "PlainForecaster":
        """Learn from the readings of a plan."""
        changes, residuals, freedom = [], [], 0
        for i in range(plan.n_patient):
            t, y = plan.panel.patient(i)
            late = t >= FIRST_ORIGIN_YEARS - _SAME
            t, y = t[late], y[late]
            for j in range(t.size):
                before = int(np.searchsorted(t, t[j] - HORIZON_YEARS + _SAME, side="right")) - 1
                if before >= 0 and t[j] - t[before] < 1.5 * HORIZON_YEARS:
                    changes.append(y[j] - y[before])
            if t.size >= LEAST_FOR_LINE:
                fitted = np.polynomial.Polynomial.fit(t, y, 1)
                residuals += (y - fitted(t)).tolist()
                freedom += t.size - 2
        spread = np.sqrt(np.sum(np.square(residuals)) / freedom) if freedom else np.nan
        change = np.array(changes)
        return cls(
            float(change.mean()) if change.size else 0.0,
            float(change.std(ddof=1)) if change.size > 1 else np.nan,
            float(spread),
        )

    def naive(self, y: Array) -> Normal:
        """The last dose, give or take a year's change."""
        return Normal(float(y[-1]) + self.change_mean, self.change_sd)

    def line(self, t: Array, y: Array, t_future: float) -> Normal:
        """The patient's own least-squares line, readings taken as independent around it.

        Patients with fewer than four readings after the first year: the mean of their readings.
        """
        late = t >= FIRST_ORIGIN_YEARS - _SAME
        if late.sum() < LEAST_FOR_LINE:
            known = y[late] if late.any() else y
            return Normal(float(known.mean()), self.line_sd * np.sqrt(1.0 + 1.0 / known.size))
        t, y = t[late], y[late]
        centred = t - t.mean()
        slope = float((centred * y).sum() / (centred**2).sum())
        ahead = t_future - t.mean()
        widened = 1.0 + 1.0 / t.size + ahead**2 / (centred**2).sum()
        return Normal(float(y.mean() + slope * ahead), float(self.line_sd * np.sqrt(widened)))
