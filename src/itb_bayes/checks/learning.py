"""What the data taught: priors beside posteriors, and the reported quantities."""

import itertools

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.checks.convergence import entries
from itb_bayes.checks.prior_draws import distribution, prior_of
from itb_bayes.checks.result import CheckResult
from itb_bayes.spec import DriftSpec, ModelSpec
from itb_bayes.spec.units import UNITS

CONFLICT = 0.005
"""A posterior median beyond these tails of its prior is a conflict."""

BARELY = 0.1
NAMED = 12
PROBABILITIES = (0.05, 0.5, 0.95)

ESTIMAND_UNITS = {
    "drift_percent": "%/year",
    "dose_year1_ug": "µg/day",
    "ratio_typical": "% of year 1",
    "ratio_mean": "% of year 1",
    "drift_contrast_percent": "percentage points/year",
    "ratio_contrast": "percentage points",
}


def learning_checks(
    spec: DriftSpec, posterior: xr.Dataset, estimands: xr.Dataset
) -> tuple[CheckResult, ...]:
    """Compare prior and posterior of every parameter, and list the reported quantities.

    Parameters
    ----------
    spec : DriftSpec
    posterior : xarray.Dataset
        Population parameters, dims (chain, draw, ...).
    estimands : xarray.Dataset
        See :func:`itb_bayes.inference.estimands.drift_estimands`.
    """
    return prior_check(spec, posterior), _estimand_list(estimands)


def prior_posterior_table(spec: ModelSpec, posterior: xr.Dataset) -> pd.DataFrame:
    """Return prior and posterior quantiles of every parameter in clinical units.

    ``contraction`` is 1 - posterior variance / prior variance on the model scale (0: nothing
    learned; 1: everything); ``prior_rank_…`` is the probability that the prior gave to values below
    the posterior quantile.
    """
    rows = []
    for label, draws in entries(posterior).items():
        variable, _, inner = label.partition("[")
        prior = prior_of(spec, variable, inner.rstrip("]"))
        unit, law = UNITS[prior.unit], distribution(prior)
        quantiles = np.quantile(draws, PROBABILITIES)
        row: dict[str, object] = {"parameter": label, "unit": unit.symbol}
        for p, value in zip(PROBABILITIES, quantiles, strict=True):
            row[f"prior_q{100 * p:02.0f}"] = unit.to_clinical(float(law.ppf(p)))
            row[f"posterior_q{100 * p:02.0f}"] = unit.to_clinical(float(value))
            row[f"prior_rank_q{100 * p:02.0f}"] = float(law.cdf(value))
        row["contraction"] = 1.0 - float(draws.var() / law.var())
        rows.append(row)
    order = ["parameter", "unit"]
    for stem in ("prior", "posterior", "prior_rank"):
        order += [f"{stem}_q{100 * p:02.0f}" for p in PROBABILITIES]
    return pd.DataFrame(rows)[[*order, "contraction"]]


def prior_check(spec: ModelSpec, posterior: xr.Dataset) -> CheckResult:
    """Judge whether priors and data contradict each other; list what the data said little about."""
    table = prior_posterior_table(spec, posterior)
    rank = table["prior_rank_q50"]
    conflicts = table.loc[(rank < CONFLICT) | (rank > 1.0 - CONFLICT), "parameter"].tolist()
    barely = table.loc[table["contraction"] < BARELY, "parameter"].tolist()
    summary = (
        f"In conflict with their priors: {', '.join(conflicts)}."
        if conflicts
        else "No posterior median lies in the outer 1 % of its prior."
    )
    if barely:
        named = ", ".join(barely[:NAMED]) + (
            f" and {len(barely) - NAMED} more" if len(barely) > NAMED else ""
        )
        summary += (
            f" The data say little (contraction below {BARELY:g}) about {named}: what is reported "
            "of these is the prior."
        )
    return CheckResult(
        "prior-posterior",
        "What did the data teach beyond the priors, and do the two contradict each other?",
        "passes if every posterior median lies within the central 99 % of its prior",
        not conflicts,
        summary,
        table,
        "prior_posterior",
        table,
    )


def _estimand_list(estimands: xr.Dataset) -> CheckResult:
    rows = []
    for name, array in estimands.data_vars.items():
        dims = [str(d) for d in array.dims if d not in ("chain", "draw")]
        for place in itertools.product(*(array[d].to_numpy().tolist() for d in dims)):
            draws = array.sel(dict(zip(dims, place, strict=True))).to_numpy()
            label = ", ".join(f"year {v:g}" if isinstance(v, float) else str(v) for v in place)
            low, middle, high = np.quantile(draws, PROBABILITIES)
            only = xr.Dataset({"x": (("chain", "draw"), draws)})
            rows.append(
                {
                    "quantity": f"{name} ({label})",
                    "unit": ESTIMAND_UNITS[str(name)],
                    "q05": float(low),
                    "median": float(middle),
                    "q95": float(high),
                    "p_above_0": float((draws > 0).mean()) if "contrast" in str(name) else np.nan,
                    "r_hat": float(az.rhat(only)["x"]),
                    "ess_bulk": float(az.ess(only, method="bulk")["x"]),
                }
            )
    return CheckResult(
        "estimands",
        "What does the posterior say about the quantities that are reported?",
        "none: medians with equal-tailed 90 % intervals",
        None,
        f"{len(rows)} reported population quantities.",
        pd.DataFrame(rows),
    )
