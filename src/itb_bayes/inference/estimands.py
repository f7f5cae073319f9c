"""The population quantities a drift fit is asked for, per draw."""

import numpy as np
import xarray as xr

from itb_bayes.inference.population import effect_covariance, flatten
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec

RATIO_YEARS = (7.0, 10.0)
"""Skoog & Hedman 2019 report the dose at 7 and 10 years relative to one year."""


def drift_estimands(spec: DriftSpec, plan: DriftPlan, posterior: xr.Dataset) -> xr.Dataset:
    """Return the estimands of a drift fit, dims (chain, draw, ...).

    Variables
    ---------
    drift_percent (diagnosis)
        Yearly change of the typical patient's dose, ``100 (exp(drift) - 1)``, at a typical centre.
    dose_year1_ug (diagnosis)
        Typical dose one year after implant.
    ratio_typical (diagnosis, year), ratio_mean (diagnosis, year)
        Dose at 7 and 10 years in % of the dose at one year: of the typical patient, and averaged
        over patients, whose drifts differ (Jensen: the mean of ratios is above the ratio of the
        typical patient). Both are of the patients' own lines, without passing deviations.
    drift_contrast_percent (contrast)
        Difference of yearly drift between two diagnoses, in percentage points.
    ratio_contrast (contrast, year)
        Difference of ``ratio_mean``.
    """
    flat = flatten(posterior)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    drift = flat["drift"].to_numpy()
    cov = effect_covariance(flat, plan)
    titration = plan.structure.titration
    h = flat["titration_years"].to_numpy() if titration else np.ones(len(drift))
    depth = np.zeros_like(drift)
    if titration:
        reference = spec.resolved_priors["level"].params["mean"]
        follows = flat["titration_follows_level"].to_numpy()[:, None]
        depth = flat["titration_depth"].to_numpy()[:, None] + follows * (
            flat["level"].to_numpy() - reference
        )
    typical, mean = [], []
    for year in RATIO_YEARS:
        since = year - 1.0
        rise = np.exp(-1.0 / h) - np.exp(-year / h) if titration else np.zeros(len(drift))
        log_ratio = since * drift + depth * rise[:, None]
        variance = since**2 * cov[:, 1, 1]
        if titration:
            variance = variance + 2 * since * rise * cov[:, 1, 2] + rise**2 * cov[:, 2, 2]
        typical.append(100.0 * np.exp(log_ratio))
        mean.append(100.0 * np.exp(log_ratio + variance[:, None] / 2.0))
    year1 = flat["level"].to_numpy() - depth * (np.exp(-1.0 / h)[:, None] if titration else 0.0)
    diagnoses = list(plan.diagnoses)
    pairs = contrast_pairs(plan.diagnoses)
    first = [diagnoses.index(a) for a, _ in pairs]
    second = [diagnoses.index(b) for _, b in pairs]
    percent = 100.0 * np.expm1(drift)
    ratios = np.stack(mean, axis=-1)
    dims = {"diagnosis": ["diagnosis"], "ratio": ["diagnosis", "year"]}
    arrays = {
        "drift_percent": (dims["diagnosis"], percent),
        "dose_year1_ug": (dims["diagnosis"], np.exp(year1)),
        "ratio_typical": (dims["ratio"], np.stack(typical, axis=-1)),
        "ratio_mean": (dims["ratio"], ratios),
        "drift_contrast_percent": (["contrast"], percent[:, first] - percent[:, second]),
        "ratio_contrast": (["contrast", "year"], ratios[:, first] - ratios[:, second]),
    }
    return xr.Dataset(
        {
            name: (["chain", "draw", *tail], values.reshape(*shape, *values.shape[1:]))
            for name, (tail, values) in arrays.items()
        },
        coords={
            "chain": posterior["chain"],
            "draw": posterior["draw"],
            "diagnosis": diagnoses,
            "year": list(RATIO_YEARS),
            "contrast": [f"{a} - {b}" for a, b in pairs],
        },
    )


def contrast_pairs(diagnoses: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return what is compared: every diagnosis with SCI (or with the first), MS before the rest."""
    reference = "SCI" if "SCI" in diagnoses else diagnoses[0]
    others = sorted((d for d in diagnoses if d != reference), key=lambda d: (d != "MS", d))
    return [(other, reference) for other in others]
