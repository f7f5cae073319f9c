"""Folds of a drift model: fit without what is forecast, then forecast beside plain rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import arviz_stats as az
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.evaluate.calibration.experiment import thin_to
from itb_bayes.evaluate.crossval.folds import Fold, subset_plan
from itb_bayes.evaluate.crossval.plain import Normal, PlainForecaster
from itb_bayes.evaluate.holdout import crps_of_draws
from itb_bayes.inference.patients import RISE_UG, conditionals_of
from itb_bayes.inference.population import PopulationDraws, population_draws
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec

Array = NDArray[np.float64]

MODEL, NAIVE, LINE = "model", "dose as it is", "own line, iid"
METHODS = (MODEL, NAIVE, LINE)
POPULATION_DRAWS = 400
_SAME = 1e-6


@dataclass(frozen=True)
class FoldOutcome:
    """Forecasts of one fold, and how its fit went.

    Attributes
    ----------
    name : str
    rows : pandas.DataFrame
        Columns method, patient (number in the plan), t_origin, t_target (years), observed (log
        dose), q05, q25, q75, q95, crps, pit, p_rise, rose.
    r_hat : float
        Largest over the parameters.
    divergences : int
    """

    name: str
    rows: pd.DataFrame
    r_hat: float
    divergences: int


@dataclass(frozen=True, eq=False)
class DriftFolds:
    """What every worker needs: the model, the whole plan, and the folds."""

    spec: DriftSpec
    plan: DriftPlan
    folds: tuple[Fold, ...]
    sampler: SamplerSettings


def run_fold(shared: DriftFolds, number: int) -> FoldOutcome:
    """Fit the readings of a fold and forecast its targets; the same on every machine."""
    from itb_bayes.inference.refit import Refitter  # PyMC is heavy: where it is used

    fold, plan = shared.folds[number], shared.plan
    seen = subset_plan(plan, fold.fitted)
    seed = int(np.random.SeedSequence([shared.sampler.seed, 0xF0, number]).generate_state(1)[0])
    settings = SamplerSettings(**{**shared.sampler.as_dict(), "seed": seed})
    tree = Refitter(shared.spec, seen).sample(seen.panel.y, settings, cores=1)
    posterior = tree["posterior"].to_dataset()
    few = thin_to(posterior, min(POPULATION_DRAWS, settings.draws * settings.chains))
    population = population_draws(shared.spec, plan, few)
    plain = PlainForecaster.of(seen)
    rows: list[Mapping[str, Any]] = []
    for target, origin in zip(fold.target.tolist(), fold.origin_years.tolist(), strict=True):
        rows += _forecast(plan, population, plain, target, origin, seed)
    return FoldOutcome(
        fold.name,
        pd.DataFrame(rows),
        float(az.rhat(posterior).to_array().max()),
        int(tree["sample_stats"]["diverging"].sum()),
    )


def _forecast(
    plan: DriftPlan, population: PopulationDraws, plain: PlainForecaster, target: int,
    origin: float, seed: int,
) -> list[Mapping[str, Any]]:  # fmt: skip
    i = int(plan.series.patient[target])
    t, y = plan.panel.patient(i)
    known = t <= origin + _SAME
    t_target, observed = float(plan.series.t_years[target]), float(plan.panel.y[target])
    risen = float(np.log(np.exp(y[known][-1]) + RISE_UG))
    common = {
        "patient": i,
        "t_origin": origin,
        "t_target": t_target,
        "observed": observed,
        "rose": observed > risen,
    }
    got = conditionals_of(
        plan, population, i, t[known], y[known], np.full(2, t_target),
        np.array([observed, risen]), seed,
    )  # fmt: skip
    future = got.future[:, 0]
    low, lower, upper, high = np.quantile(future, (0.05, 0.25, 0.75, 0.95))
    rows: list[Mapping[str, Any]] = [
        {
            "method": MODEL,
            **common,
            "q05": low,
            "q25": lower,
            "q75": upper,
            "q95": high,
            "crps": crps_of_draws(future, observed),
            "pit": float(got.cdf[:, 0].mean()),
            "p_rise": float(got.exceed[:, 1].mean()),
        }
    ]
    others = ((NAIVE, plain.naive(y[known])), (LINE, plain.line(t[known], y[known], t_target)))
    return rows + [_plain_row(method, common, forecast, risen) for method, forecast in others]


def _plain_row(
    method: str, common: Mapping[str, Any], forecast: Normal, risen: float
) -> Mapping[str, Any]:
    names = ("q05", "q25", "q75", "q95")
    quantiles = (forecast.quantile(p) for p in (0.05, 0.25, 0.75, 0.95))
    return {
        "method": method,
        **common,
        **dict(zip(names, quantiles, strict=True)),
        "crps": forecast.crps(common["observed"]),
        "pit": forecast.below(common["observed"]),
        "p_rise": 1.0 - forecast.below(risen),
    }
